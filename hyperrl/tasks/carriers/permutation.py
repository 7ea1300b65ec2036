"""The order of an action's entries carries a feature: which of the agent's numbers drives which actuator.

Permuted actuators of Benad et al., "Dynamics-Aligned Shared Hypernetworks for Zero-Shot Actuator Inversion",
2026 (arXiv 2602.06550v2).
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from hyperrl.errors import UserError
from hyperrl.recipes import Context
from hyperrl.tasks.carriers.base import Carrier, Simulator
from hyperrl.tasks.dynamics.base import ChangedActions, Dynamics


class PermutationCarrier(Carrier):
    """Permutes actions: entry i of the base environment's action is entry `permutation[i]` of the agent's.

    It comes before `scales`: a factor belongs to an entry of the base environment's action.
    """

    _shape: tuple[int, ...]
    _order: NDArray[np.intp]

    def attach(self, simulator: Simulator) -> None:
        """See `Carrier.attach`; refuses actions whose entries the permutations do not fit."""
        super().attach(simulator)
        fault = self._fault(simulator.action_space)
        if fault is not None:
            raise UserError(f"features.{next(iter(self.features))}.permutations: {fault}")
        self._shape = simulator.action_space.shape or ()

    def _fault(self, space: gym.Space[Any]) -> str | None:
        """Why actions of a space cannot be permuted so; None: they can."""
        ((_, feature),) = self.features.items()
        permutations = feature.permutations or ()
        found, size = len(permutations[0]), math.prod(space.shape or ())
        if not isinstance(space, gym.spaces.Box) or size < 2:
            kind = " ".join(str(space).split())
            return f"found for an action of {kind}; allowed: for a Box of several numbers"
        if found != size:
            return f"found lists of {found} entries; allowed: {size}, as an action has"
        bounds = list(zip(space.low.ravel().tolist(), space.high.ravel().tolist(), strict=True))
        for permutation in permutations:
            for place, entry in enumerate(permutation):
                if bounds[place] != bounds[entry]:
                    return (
                        f"found entry {entry} of an action, within {[*bounds[entry]]}, in the place of entry"
                        f" {place}, within {[*bounds[place]]}; allowed: one of the same bounds"
                    )
        return None

    def apply(self, context: Context) -> None:
        """Look up the permutation; UserError where the value has none."""
        order = self.parameters(context, float, math.prod(self._shape)).values()
        self._order = np.array([*order], np.intp)

    def action(self, action: Any) -> Any:
        """Permute the entries of an action."""
        return np.asarray(action).reshape(self._order.size)[self._order].reshape(self._shape)

    @staticmethod
    def actions(carriers: Sequence[Any], actions: NDArray[Any]) -> NDArray[Any]:
        """Permute the actions of several environments at once."""
        rows = actions.reshape(len(carriers), -1)
        return permuted(rows, np.stack([each._order for each in carriers])).reshape(actions.shape)

    def batched(self, dynamics: Dynamics) -> Dynamics | None:
        """Dynamics that permute a flat action before they see it."""
        space = dynamics.action_space
        fits = len(space.shape or ()) == 1 and self._fault(space) is None
        return PermutedDynamics(dynamics) if fits else None

    def parameters(self, context: Context, read: Callable[[str], float], size: int) -> dict[str, float]:
        """For each entry of the base environment's action the agent's entry: "entry.0" and so on.

        Raises:
            UserError: the feature's value is none of its `values`.
        """
        ((name, feature),) = self.features.items()
        permutation = (feature.permutations or ())[self.index(name, context)]
        return {f"entry.{place}": float(entry) for place, entry in enumerate(permutation)}


def permuted(actions: NDArray[Any], orders: NDArray[np.intp]) -> NDArray[Any]:
    """Actions (N, A) in the order of each row of `orders`, (N, A) or one (A,) for all."""
    return np.take_along_axis(actions, np.broadcast_to(orders, actions.shape), axis=1)


class PermutedDynamics(ChangedActions):
    """Other dynamics with an order of the action's entries: parameters `entry.0`, `entry.1`, ..."""

    def __init__(self, inner: Dynamics) -> None:
        """Take the dynamics, whose actions must be a `Box` with one axis."""
        assert isinstance(inner.action_space, gym.spaces.Box)
        super().__init__(
            inner, {f"entry.{place}": float(place) for place in range(inner.action_space.shape[0])}
        )

    def change(self, action: NDArray[Any], own: NDArray[np.float64]) -> NDArray[Any]:
        """Permute."""
        return permuted(action, own.astype(np.intp))
