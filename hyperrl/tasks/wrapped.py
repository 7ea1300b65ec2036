"""The contextual environment of an agent with wrappers: these learn from what they see, returns count below.

An episode's return is what the family pays. A wrapper that clips rewards, say, changes what an agent learns
from, but not what it is judged by: Stable-Baselines3's Monitor stands below the wrappers too.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np

from hyperrl.errors import UserError
from hyperrl.recipes import WrapperRecipe
from hyperrl.tasks.adapter import info_of, step_parts, to_number
from hyperrl.tasks.carriers import Carrier
from hyperrl.tasks.env import ContextualEnv
from hyperrl.tasks.wrappers import AnyWrapper, wrap

MakeBase = Callable[..., gym.Env[Any, Any]]


@dataclass
class Record:
    """What happens in a base environment below its wrappers.

    Attributes:
        rewarding: the features that change rewards.
        total: the present episode's return so far.
        resets: how often the base environment was reset.
    """

    rewarding: Sequence[Carrier] = ()
    total: float = 0.0
    resets: int = 0


class RecordedBase(AnyWrapper):
    """Stands between a base environment and its wrappers: brings features to its rewards, and sums them up.

    Wrappers may keep the observations that they get: these are copies.
    """

    def __init__(self, env: gym.Env[Any, Any], record: Record) -> None:
        """Take the environment, and the record that its variants share."""
        super().__init__(env)
        self._record = record

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        """Reset the base environment."""
        self._record.total = 0.0
        self._record.resets += 1
        observation, info = self.env.reset(seed=seed, options=options)
        return _copied(observation), info

    def step(self, action: Any) -> Any:
        """Step the base environment; InterfaceError where it returns what is no step's."""
        observation, reward, terminated, truncated, info = step_parts(self.env.step(action))
        reward = to_number(reward)
        for carrier in self._record.rewarding:
            reward, info = carrier.reward(reward, info_of(info))
        self._record.total += reward
        return _copied(observation), reward, terminated, truncated, info


def _copied(observation: Any) -> Any:
    if isinstance(observation, np.ndarray):
        return observation.copy()
    if isinstance(observation, dict):
        return {key: _copied(part) for key, part in observation.items()}
    return observation


def with_wrappers(make: MakeBase, wrappers: Sequence[WrapperRecipe], record: Record, where: str) -> MakeBase:
    """What makes a base environment within wrappers.

    Args:
        make: makes the base environment.
        wrappers: the first innermost.
        record: of what happens below them.
        where: how messages begin.
    """

    def make_wrapped(*arguments: Any) -> gym.Env[Any, Any]:
        return wrap(RecordedBase(make(*arguments), record), wrappers, where)

    return make_wrapped


class WrappedEnv(ContextualEnv):
    """`ContextualEnv` whose base environment has an agent's wrappers around it.

    Features reach the unwrapped base environment. An agent's action passes the features that change actions,
    then the wrappers, the last one first; a reward passes the features, then the wrappers.
    """

    _failing = "the base environment or one of its wrappers"

    def __init__(self, env: gym.Env[Any, Any], *arguments: Any, record: Record, **options: Any) -> None:
        """Take an environment made by `with_wrappers`, its record, and the rest as `ContextualEnv` does."""
        self._below = record
        super().__init__(env, *arguments, **options)
        self._below.rewarding, self._rewarding = self._rewarding, []

    @property
    def episode_return(self) -> float:
        """The present episode's return so far, of the family's own rewards."""
        return self._below.total

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """See `ContextualEnv.reset`; UserError, too, where a wrapper does not pass the reset on."""
        resets = self._below.resets
        result = super().reset(seed=seed, options=options)
        if self._below.resets == resets:
            raise UserError(
                f"the wrappers {self.env}: a reset did not reset the base environment; needed: one that does,"
                " as every episode is another task"
            )
        return result
