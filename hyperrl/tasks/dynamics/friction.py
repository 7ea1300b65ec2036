"""A double integrator in the plane under friction.

DI-friction-sparse of Benad et al., "Dynamics-Aligned Shared Hypernetworks for Zero-Shot Actuator Inversion",
2026.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hyperrl.tasks.dynamics.base import Constants, DynamicsEnv, Floats
from hyperrl.tasks.dynamics.double_integrator import (
    STEP_SECONDS,
    DoubleIntegrator,
    picture_of,
    rewarded_at_goal,
)


class DoubleIntegratorFriction(DoubleIntegrator):
    """As `DoubleIntegrator`, with friction in place of the sign.

    position <- position + 0.1 velocity (the old one), velocity <- (1 - 0.1 friction / mass) velocity + 0.1 f
    / mass, f = clip(action, -1, 1). Where 0.1 friction > mass the explicit step overshoots and the velocity
    changes sign: that is the published equation.
    """

    def __init__(self) -> None:
        """No arguments: mass and friction are attributes."""
        super().__init__()
        self.parameters = {"mass": 1.0, "friction": 1.0}

    def step(
        self, state: Floats, action: NDArray[Any], context: Constants
    ) -> tuple[Floats, Floats, NDArray[np.bool_]]:
        """Advance; never terminates."""
        columns = state.T
        force = np.minimum(np.maximum(action.T.astype(np.float64), -1.0), 1.0)
        after = np.empty_like(columns)
        after[:2] = columns[:2] + STEP_SECONDS * columns[2:]
        kept = 1.0 - STEP_SECONDS * context["friction"] / context["mass"]
        after[2:] = kept * columns[2:] + STEP_SECONDS * force / context["mass"]
        return rewarded_at_goal(after)


class DoubleIntegratorFrictionEnv(DynamicsEnv):
    """`hyperrl-base/double-integrator-friction-v0`; attributes `mass` and `friction`."""

    mass: float
    friction: float

    def __init__(self, render_mode: str | None = None) -> None:
        """See `DoubleIntegratorFriction`."""
        super().__init__(DoubleIntegratorFriction(), render_mode)

    def _picture(self, trail: Floats) -> NDArray[np.uint8]:
        return picture_of(trail, f"mass = {self.mass:g}   friction = {self.friction:g}")
