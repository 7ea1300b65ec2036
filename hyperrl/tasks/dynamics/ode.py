"""The ordinary differential equation with complex actions: a family whose oracle is known.

Beukman et al., "Dynamics Generalization in Reinforcement Learning via Adaptive Context-Aware Policies",
NeurIPS 2023.
"""

import math
from collections.abc import Mapping
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from hyperrl.errors import UserError
from hyperrl.tasks.dynamics.base import Constants, Dynamics, DynamicsEnv, Floats, start_option

STEP_SECONDS = 0.01
LIMIT = 20.0
EPISODE_STEPS = 200
HALVES = (-1.0, -0.5, 0.5, 1.0)
EDGES = np.array([0.05, 0.1, 0.2, 0.5, 2.0])
LEVELS = np.array([1.0, 1 / 2, 1 / 3, 1 / 4, 0.05, 0.0])


def reward_of(distance: Floats) -> Floats:
    """Reward by |x|: 1 below 0.05, 1/2 below 0.1, 1/3 below 0.2, 1/4 below 0.5, 0.05 below 2, else 0."""
    return LEVELS[EDGES.searchsorted(distance, side="right")]


class Ode(Dynamics):
    """x' = Re(c0 z + c1 z^2) with z = force * (a0 + i a1); Euler steps of 0.01 s, x clipped to [-20, 20].

    State and observation (1,): x. Action (2,) in [-1, 1]. Start: x ~ U(-1, 1) or, with `starts` "halves",
    one of -1, -0.5, 0.5 and 1; or the reset option `x`.
    """

    def __init__(self, dimension: int = 1, force: float = 1.0, starts: str = "uniform") -> None:
        """Take the number of coefficients, 1 or 2, the action's magnitude, and where x starts.

        Raises:
            UserError: another dimension, a force that is no finite number, or unknown starts.
        """
        if starts not in ("uniform", "halves"):
            raise UserError(f"ode: starts is {starts!r}; 'uniform' or 'halves' is allowed")
        if dimension not in (1, 2):
            raise UserError(f"ode: dimension is {dimension!r}; 1 or 2 is allowed")
        if not isinstance(force, (int, float)) or not math.isfinite(force):
            raise UserError(f"ode: force is {force!r}; a finite number is needed")
        self.dimension, self.starts = dimension, starts
        self.parameters = {"force": float(force), "c0": 1.0}
        if dimension == 2:
            self.parameters["c1"] = 0.0
        self.observation_space = gym.spaces.Box(-LIMIT, LIMIT, (1,), np.float32)
        self.action_space = gym.spaces.Box(-1.0, 1.0, (2,), np.float32)

    def start(self, rng: np.random.Generator, options: Mapping[str, Any] | None) -> Floats:
        """Take x from the options, else draw it."""
        x = start_option(options, "x", -LIMIT, LIMIT)
        if x is None:
            x = rng.uniform(-1.0, 1.0) if self.starts == "uniform" else HALVES[rng.integers(len(HALVES))]
        return np.array([x])

    def step(
        self, state: Floats, action: NDArray[Any], context: Constants
    ) -> tuple[Floats, Floats, NDArray[np.bool_]]:
        """Advance; never terminates. The complex square is in reals, which round alike in any batch."""
        bounded = np.minimum(np.maximum(action.T[: self.dimension], -1.0), 1.0).astype(np.float64)
        real = context["force"] * bounded[0]
        rate = context["c0"] * real
        if self.dimension == 2:
            imaginary = context["force"] * bounded[1]
            rate = rate + context["c1"] * (real * real - imaginary * imaginary)
        x = np.minimum(np.maximum(state[:, 0] + STEP_SECONDS * rate, -LIMIT), LIMIT)
        return x[:, None], reward_of(np.abs(x)), np.zeros(len(x), np.bool_)


class OdeEnv(DynamicsEnv):
    """`hyperrl-base/ode-v0`; attributes `force`, `c0` and, with dimension 2, `c1`."""

    def __init__(
        self, dimension: int = 1, force: float = 1.0, starts: str = "uniform", render_mode: str | None = None
    ) -> None:
        """See `Ode`."""
        super().__init__(Ode(dimension, force, starts), render_mode)

    def _picture(self, trail: Floats) -> NDArray[np.uint8]:
        from hyperrl.tasks.dynamics.picture import Picture

        reach = max(1.25, 1.1 * float(np.abs(trail).max()))
        picture = Picture((0.0, EPISODE_STEPS), (-reach, reach))
        for edge, shade in ((0.5, 240), (0.2, 228), (0.1, 214), (0.05, 196)):
            picture.band(-edge, edge, (shade, 255 - (255 - shade) // 4, shade))
        picture.line((0.0, 0.0), (EPISODE_STEPS, 0.0), "goal")
        picture.trail([(float(t), float(x)) for t, x in enumerate(trail[:, 0])])
        coefficients = "  ".join(
            f"c{k} = {getattr(self, f'c{k}'):g}" for k in range(len(self.dynamics.parameters) - 1)
        )
        picture.caption(f"{coefficients}   step {len(trail) - 1}   x = {trail[-1, 0]:.3f}   goal x = 0")
        return picture.pixels()
