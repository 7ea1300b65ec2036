"""What batched environments need to know of dynamics, and the single environment over the same."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, SupportsFloat

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from hyperrl.errors import UserError
from hyperrl.masks import Masks

Floats = NDArray[np.float64]
Constants = Mapping[str, Any]
"""Name to one float, or to an array (N,) with one value per environment."""


class Dynamics(ABC):
    """Transitions of N independent environments at once, in NumPy.

    Attributes:
        masked: class attribute: whether `action_masks` tells which choices are valid.
        terms: class attribute: names of the terms that the reward is the sum of, where `step_terms` tells
            them.
        parameters: attribute names of the environment that a task may set, with their defaults.
        observation_space: of one environment.
        action_space: of one environment.
        part: the key of what `observe` gives, in the observations of a family's environments.
    """

    masked: ClassVar[bool] = False
    terms: ClassVar[tuple[str, ...]] = ()
    parameters: dict[str, float]
    observation_space: gym.spaces.Box | gym.spaces.Dict
    action_space: gym.Space[Any]
    part: str = "obs"

    @abstractmethod
    def start(self, rng: np.random.Generator, options: Mapping[str, Any] | None) -> Floats:
        """Draw one start state (S,), using `rng` exactly as the single environment does."""

    def constants(self, attributes: Mapping[str, float]) -> dict[str, float]:
        """Turn one task's attributes into the context of `step`; by default the attributes as they are."""
        return {name: attributes[name] for name in self.parameters}

    @abstractmethod
    def step(
        self, state: Floats, action: NDArray[Any], context: Constants
    ) -> tuple[Floats, Floats, NDArray[np.bool_]]:
        """Advance `state` (N, S) by `action` (N, ...): new arrays state, reward (N,), terminated (N,)."""

    def step_terms(
        self, state: Floats, action: NDArray[Any], context: Constants
    ) -> tuple[Floats, Floats, NDArray[np.bool_]]:
        """Advance as `step` does, with the reward in its `terms`: (terms, N)."""
        raise NotImplementedError

    def term_returns(self, state: Floats) -> dict[str, Floats]:
        """The sums (N,) of terms of the reward since the start that states tell, by name: by default none."""
        return {}

    def action_masks(self, state: Floats, context: Constants) -> Masks:
        """Which choices are valid in `state` (N, S): a new array (N, K), at least one true in each row."""
        raise NotImplementedError

    def measure(self, state: Floats) -> Floats:
        """What is observed of `state` (N, S) before it is rounded: (N, O), by default the state itself."""
        return state

    def observe(self, state: Floats) -> NDArray[np.float32]:
        """Observe `state` (N, S): a new array (N, O), `measure` in single precision."""
        return self.measure(state).astype(np.float32)

    def restore(self, observation: Mapping[str, NDArray[Any]]) -> Floats:
        """The states (N, S) of which these parts (N, ...) are observed, `part` and those of `goals`."""
        return np.asarray(observation[self.part], np.float64)

    def goals(self, state: Floats) -> dict[str, NDArray[np.float32]]:
        """Observe further parts of `state` (N, S), in new arrays (N, ...): by default none."""
        return {}

    @property
    def unwrapped(self) -> "Dynamics":
        """The dynamics without what changes their actions."""
        return self


class ChangedActions(Dynamics):
    """Other dynamics that get another action than the agent's; parameters of its own say which.

    Attributes:
        inner: the other dynamics.
        own: names of its own parameters.
    """

    def __init__(self, inner: Dynamics, defaults: Mapping[str, float]) -> None:
        """Take the dynamics, whose spaces and parameters it has, and its own parameters' defaults."""
        self.inner, self.own = inner, tuple(defaults)
        self.parameters = {**inner.parameters, **defaults}
        self.observation_space, self.action_space = inner.observation_space, inner.action_space
        self.part = inner.part

    @abstractmethod
    def change(self, action: NDArray[Any], own: NDArray[np.float64]) -> NDArray[Any]:
        """The inner dynamics' actions (N, ...); `own` has its parameters, (P,), or (N, P) for each of N."""

    def start(self, rng: np.random.Generator, options: Mapping[str, Any] | None) -> Floats:
        """Draw the inner dynamics' start."""
        return self.inner.start(rng, options)

    def constants(self, attributes: Mapping[str, float]) -> dict[str, float]:
        """Add its own parameters to the inner dynamics' constants."""
        return {**self.inner.constants(attributes), **{name: attributes[name] for name in self.own}}

    def step(
        self, state: Floats, action: NDArray[Any], context: Constants
    ) -> tuple[Floats, Floats, NDArray[np.bool_]]:
        """Change the action and advance."""
        own = np.stack([np.asarray(context[name], np.float64) for name in self.own], axis=-1)
        return self.inner.step(state, self.change(action, own), context)

    def term_returns(self, state: Floats) -> dict[str, Floats]:
        """Tell what the inner dynamics tell."""
        return self.inner.term_returns(state)

    def measure(self, state: Floats) -> Floats:
        """Observe as the inner dynamics do."""
        return self.inner.measure(state)

    def restore(self, observation: Mapping[str, NDArray[Any]]) -> Floats:
        """Restore as the inner dynamics do."""
        return self.inner.restore(observation)

    def goals(self, state: Floats) -> dict[str, NDArray[np.float32]]:
        """Observe as the inner dynamics do."""
        return self.inner.goals(state)

    @property
    def unwrapped(self) -> Dynamics:
        """The inner dynamics, unwrapped."""
        return self.inner.unwrapped


class DynamicsEnv(gym.Env[Any, Any]):
    """One environment over a `Dynamics` of ours, whose parameters are attributes to set at any time."""

    metadata: ClassVar[dict[str, Any]] = {  # type: ignore[misc]
        "render_modes": ["rgb_array"],
        "render_fps": 30,
    }

    def __init__(self, dynamics: Dynamics, render_mode: str | None = None) -> None:
        """Take the dynamics' parameters as attributes, at their defaults."""
        self.dynamics = dynamics
        self.observation_space: gym.Space[Any] = dynamics.observation_space
        self.action_space = dynamics.action_space
        self.render_mode = render_mode
        self._trail: list[Floats] = []
        for name, value in dynamics.parameters.items():
            setattr(self, name, value)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Draw a start state; `options` may give it by name (see the environment's dynamics)."""
        super().reset(seed=seed)
        state = self.dynamics.start(self.np_random, options)
        self._trail = [state]
        return self._observation(state[None]), {}

    def step(self, action: Any) -> tuple[Any, SupportsFloat, bool, bool, dict[str, Any]]:
        """Advance by one step; raises `gymnasium.error.ResetNeeded` before the first reset."""
        if not self._trail:
            raise gym.error.ResetNeeded("Call reset before step.")
        state, reward, terminated = self.dynamics.step(
            self._trail[-1][None], np.asarray(action)[None], self._constants()
        )
        if self.render_mode is None:
            self._trail.clear()
        self._trail.append(state[0])
        return self._observation(state), float(reward[0]), bool(terminated[0]), False, {}

    def _constants(self) -> dict[str, float]:
        return self.dynamics.constants({name: getattr(self, name) for name in self.dynamics.parameters})

    def _observation(self, state: Floats) -> Any:
        """What is observed of a state (1, S)."""
        return self.dynamics.observe(state)[0]

    def render(self) -> NDArray[np.uint8] | None:
        """Draw state, goal and trail: an array (height, width, 3), or None without a render mode."""
        if self.render_mode is None:
            gym.logger.warn("render() needs render_mode='rgb_array' when the environment is made.")
            return None
        if not self._trail:
            raise gym.error.ResetNeeded("Call reset before render.")
        return self._picture(np.stack(self._trail))

    def _picture(self, trail: Floats) -> NDArray[np.uint8]:
        raise NotImplementedError


def start_at_rest(position: Floats, options: Mapping[str, Any] | None, limit: float) -> Floats:
    """A state (4,) at rest: the position (2,), or that of the reset options `x` and `y`, within the limit."""
    for axis, name in enumerate("xy"):
        option = start_option(options, name, -limit, limit)
        if option is not None:
            position[axis] = option
    return np.concatenate([position, np.zeros(2)])


def start_option(options: Mapping[str, Any] | None, name: str, low: float, high: float) -> float | None:
    """Read the number `name` from reset options, None when absent.

    Raises:
        UserError: it is no number within [low, high].
    """
    if not options or name not in options:
        return None
    try:
        value = float(options[name])
    except (TypeError, ValueError):
        value = float("nan")
    if not low <= value <= high:
        raise UserError(
            f"reset option {name!r} is {options[name]!r}; a number in [{low:g}, {high:g}] is allowed"
        )
    return value
