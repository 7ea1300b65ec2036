"""Factors on actions carry features: the base environment gets the scaled action."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from hyperrl.errors import UserError
from hyperrl.recipes import Context
from hyperrl.tasks.carriers.base import Carrier
from hyperrl.tasks.dynamics.base import Constants, Dynamics, Floats


class ActionCarrier(Carrier):
    """Multiplies actions by the values, and clips them to the action space."""

    _space: gym.spaces.Box
    _factors: NDArray[np.float64]

    def apply(self, context: Context) -> None:
        """Work the factors out; UserError where an action holds no number that can be scaled."""
        space = self.simulator.action_space
        if not isinstance(space, gym.spaces.Box):
            names = ", ".join(self.features)
            raise UserError(f"{names}: an action of {space} is no number that a feature can scale")
        factors = self.parameters(context, float, math.prod(space.shape))
        self._space = space
        self._factors = np.array(list(factors.values())).reshape(space.shape)

    def action(self, action: Any) -> Any:
        """Scale an action."""
        return scaled_action(np.asarray(action), self._factors, self._space)

    @staticmethod
    def actions(carriers: Sequence[Any], actions: NDArray[Any]) -> NDArray[Any]:
        """Scale the actions of several environments at once."""
        factors = np.stack([each._factors for each in carriers])
        return scaled_action(actions, factors, carriers[0]._space)

    def batched(self, dynamics: Dynamics) -> Dynamics | None:
        """Dynamics that scale a flat action before they see it."""
        space = dynamics.action_space
        return (
            ScaledDynamics(dynamics) if isinstance(space, gym.spaces.Box) and len(space.shape) == 1 else None
        )

    def parameters(self, context: Context, read: Callable[[str], float], size: int) -> dict[str, float]:
        """The factor on each entry of an action: "action.0" and so on.

        Raises:
            UserError: a feature scales an entry that an action does not have.
        """
        factors = [1.0] * size
        for name, feature in self.features.items():
            entry = str(feature.scales).partition(".")[2]
            if entry and int(entry) >= size:
                raise UserError(
                    f"feature {name!r} scales action.{int(entry)}; an action has entries 0 to {size - 1}"
                )
            for index in (int(entry),) if entry else range(size):
                factors[index] *= float(context[name])
        return {f"action.{entry}": factor for entry, factor in enumerate(factors)}


def scaled_action(action: NDArray[Any], factors: NDArray[np.float64], space: gym.spaces.Box) -> NDArray[Any]:
    """Multiply actions (..., *shape) and clip them to the space, in the precision of the action.

    Args:
        action: real actions; whole numbers become double precision.
        factors: broadcast against the actions.
        space: of one action, (*shape).
    """
    kind = action.dtype if np.issubdtype(action.dtype, np.floating) else np.dtype(np.float64)
    low, high = space.low.astype(kind), space.high.astype(kind)
    scaled: NDArray[Any] = np.minimum(np.maximum(action * factors.astype(kind), low), high)
    return scaled


class ScaledDynamics(Dynamics):
    """Other dynamics with a factor on each entry of the action: parameters `action.0`, `action.1`, ..."""

    def __init__(self, inner: Dynamics) -> None:
        """Take the dynamics, whose actions must be a `Box` with one axis."""
        assert isinstance(inner.action_space, gym.spaces.Box)
        self.inner, self._box = inner, inner.action_space
        self._factors = [f"action.{entry}" for entry in range(self._box.shape[0])]
        self.parameters = {**inner.parameters, **dict.fromkeys(self._factors, 1.0)}
        self.observation_space, self.action_space = inner.observation_space, inner.action_space

    def start(self, rng: np.random.Generator, options: Mapping[str, Any] | None) -> Floats:
        """Draw the inner dynamics' start."""
        return self.inner.start(rng, options)

    def constants(self, attributes: Mapping[str, float]) -> dict[str, float]:
        """Add the factors to the inner dynamics' constants."""
        return {**self.inner.constants(attributes), **{name: attributes[name] for name in self._factors}}

    def step(
        self, state: Floats, action: NDArray[Any], context: Constants
    ) -> tuple[Floats, Floats, NDArray[np.bool_]]:
        """Scale, clip and advance."""
        factors = np.stack([np.asarray(context[name], np.float64) for name in self._factors], axis=-1)
        return self.inner.step(state, scaled_action(action, factors, self._box), context)

    def observe(self, state: Floats) -> NDArray[np.float32]:
        """Observe as the inner dynamics do."""
        return self.inner.observe(state)
