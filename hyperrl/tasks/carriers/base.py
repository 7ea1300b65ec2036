"""What a carrier is: a way in which features of a context reach the simulator."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, ClassVar, Protocol

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from hyperrl.errors import UserError
from hyperrl.masks import Masks
from hyperrl.recipes import Context, Derived, Feature
from hyperrl.tasks.dynamics import Dynamics


class Simulator(Protocol):
    """The environment to which a carrier brings tasks, as far as a carrier knows it (`ContextualEnv`)."""

    @property
    def base(self) -> gym.Env[Any, Any]:
        """The base environment, unwrapped."""

    @property
    def action_space(self) -> gym.Space[Any]:
        """The action space, with choices counted from 0."""

    def apply(self, context: Context) -> None:
        """Set a complete context."""

    def naming_failures(self, when: str) -> AbstractContextManager[None]:
        """Raise BaseEnvironmentError for what the base raises in the block, with the task and `when`."""


class Trial(Protocol):
    """What `hyperrl check` gives to a carrier's own check: environments of the family, and how they play."""

    @property
    def default(self) -> Context:
        """The context of defaults."""

    @property
    def env(self) -> Simulator:
        """An environment that may be set to any context; it is set to the defaults afterwards."""

    def make(self) -> AbstractContextManager[Simulator]:
        """Make another environment, closed at the block's end."""

    def make_base(self) -> AbstractContextManager[gym.Env[Any, Any]]:
        """Make a base environment to which no task was brought, closed at the block's end."""

    def plays_alike(self, one: Any, other: Any, context: Context, where: str) -> bool:
        """Whether two environments play a context alike, to 1e-5."""


class Carrier:
    """Brings the values of some features to a simulator. A subclass overrides what it needs.

    A family has one object of each carrier that its features use; each environment has a copy of its own, to
    which `attach` gives the simulator.

    Attributes:
        features: those that it carries.
        simulator: the environment, once it is attached.
        simulated: class attribute: whether the features change transitions or rewards.
    """

    simulated: ClassVar[bool] = True
    simulator: Simulator

    def __init__(self, features: Mapping[str, Feature], derived: Mapping[str, Derived]) -> None:
        """Take the features that it carries, and the family's derived attributes."""
        self.features, self.derived = features, derived

    def attach(self, simulator: Simulator) -> None:
        """Take an environment, and what in it must be known before the first task.

        Raises:
            UserError: the environment lacks what a feature needs.
        """
        self.simulator = simulator

    def detach(self) -> None:
        """Let go of the environment, once it is closed: it and its simulator are then freed at once.

        A carrier that keeps the environment elsewhere too, or a bound method of it, lets go of that as well.
        """
        vars(self).pop("simulator", None)

    def arguments(self, context: Context) -> dict[str, Any]:
        """The base environment's keyword arguments in a context; UserError where there are none for it."""
        return {}

    def apply(self, context: Context) -> None:
        """Bring a complete context to the simulator, and undo what the one before it has changed.

        Called before each reset, after it where a feature has `at: start`, and perhaps in mid-episode.

        Raises:
            UserError: the simulator does not take a value.
        """

    def begin(self) -> None:
        """Note that an episode begins: called before each reset, ahead of `apply`."""

    def find_undone(self) -> str | None:
        """Tell what a reset has undone of the context that was applied; None: nothing."""
        return None

    def owns(self, attribute: str) -> bool:
        """Whether it sets this attribute of the base environment, or an entry of it."""
        return False

    def action(self, action: Any) -> Any:
        """Change an agent's action before the base environment gets it."""
        return action

    def mask(self, mask: Masks) -> Masks:
        """The valid choices among an agent's actions, of those among what `action` makes of them.

        Raises:
            UserError: where `action` is changed and this is not.
        """
        raise UserError(
            f"{type(self).__name__} changes actions and no masks; allowed: a method 'mask' of its own, where"
            " the base environment masks actions"
        )

    def observation(self, observation: dict[str, Any]) -> dict[str, Any]:
        """Change what the base environment observed, at a reset and a step."""
        return observation

    def reward(self, reward: float, info: dict[str, Any]) -> tuple[float, dict[str, Any]]:
        """Change a step's reward, and the info that tells of it."""
        return reward, info

    @staticmethod
    def actions(carriers: Sequence[Any], actions: NDArray[Any]) -> NDArray[Any]:
        """What `action` does, for N environments with a carrier each; actions (N, ...)."""
        return np.stack([each.action(action) for each, action in zip(carriers, actions, strict=True)])

    @staticmethod
    def rewards(
        carriers: Sequence[Any], rewards: NDArray[np.float64], info: dict[str, NDArray[Any]]
    ) -> tuple[NDArray[np.float64], dict[str, NDArray[Any]]]:
        """What `reward` does, for N environments with a carrier each; all arrays have N entries."""
        changed = [
            each.reward(float(reward), {name: values[row] for name, values in info.items()})
            for row, (each, reward) in enumerate(zip(carriers, rewards, strict=True))
        ]
        return np.array([reward for reward, _ in changed]), {
            name: np.array([each[name] for _, each in changed]) for name in changed[0][1]
        }

    def batched(self, dynamics: Dynamics) -> Dynamics | None:
        """Batched dynamics that take its values as parameters; None where there are none."""
        return None

    def parameters(self, context: Context, read: Callable[[str], float], size: int) -> dict[str, float]:
        """Parameters of batched dynamics in a complete context.

        Args:
            context: every feature's value.
            read: gives the default of a parameter.
            size: numbers in an action.
        """
        return {}

    def index(self, name: str, context: Context) -> int:
        """The place of a feature's value among its `values`; UserError where it is none of them."""
        value, values = context[name], self.features[name].values or ()
        if value not in values:
            known = ", ".join(f"{each:g}" for each in values)
            raise UserError(f"context: {name} is {value:g}; its values: {known}")
        return values.index(value)

    def what(self, name: str) -> str:
        """A feature and what carries it, as messages call it."""
        return f"feature {name!r} ({self.features[name].carried_by(name)})"

    def counts(self, name: str) -> bool:
        """Whether what the simulator holds for a feature is a whole number."""
        return False

    def check(self, trial: Trial) -> None:
        """Refuse features of a family that cannot work as its file says (`hyperrl check`); UserError."""

    def remark(self, name: str) -> str | None:
        """Tell why, at the defaults, a feature changes nothing, or in which part of its range."""
        return None
