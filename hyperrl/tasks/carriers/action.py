"""Factors on actions carry features: the base environment gets the scaled action."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from hyperrl.errors import UserError
from hyperrl.recipes import Context
from hyperrl.tasks.carriers.base import Carrier
from hyperrl.tasks.dynamics.base import ChangedActions, Dynamics


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


class ScaledDynamics(ChangedActions):
    """Other dynamics with a factor on each entry of the action: parameters `action.0`, `action.1`, ..."""

    def __init__(self, inner: Dynamics) -> None:
        """Take the dynamics, whose actions must be a `Box` with one axis."""
        assert isinstance(inner.action_space, gym.spaces.Box)
        self._box = inner.action_space
        super().__init__(inner, {f"action.{entry}": 1.0 for entry in range(self._box.shape[0])})

    def change(self, action: NDArray[Any], own: NDArray[np.float64]) -> NDArray[Any]:
        """Scale and clip."""
        return scaled_action(action, own, self._box)
