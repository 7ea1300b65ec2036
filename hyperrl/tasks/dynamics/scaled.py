"""Dynamics whose actions a task scales before they see them."""

from collections.abc import Mapping
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from hyperrl.tasks.dynamics.base import Constants, Dynamics, Floats


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
