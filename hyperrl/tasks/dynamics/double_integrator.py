"""A double integrator in the plane, whose actuators may be inverted or which moves under friction.

DI-sparse and DI-friction-sparse of Benad et al., "Dynamics-Aligned Shared Hypernetworks for Zero-Shot
Actuator Inversion", 2026.
"""

from collections.abc import Mapping
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from hyperrl.tasks.dynamics.base import Constants, Dynamics, DynamicsEnv, Floats, start_at_rest

STEP_SECONDS = 0.1
LIMIT = 1.0
CORNER = 0.8
GOAL_RADIUS = 0.1
EPISODE_STEPS = 100


class DoubleIntegrator(Dynamics):
    """Force f = clip(action_sign * action, -1, 1), action (2,); the reward is sparse.

    position <- position + 0.1 velocity (the old one), velocity <- velocity + 0.1 f / mass, both clipped to
    [-1, 1]. Reward 1 if the distance to the origin after the step is at most 0.1, else 0. State and
    observation (4,): position and velocity. Start: at rest in a corner, both |coordinates| ~ U(0.8, 1), or
    the reset options `x` and `y`.
    """

    def __init__(self) -> None:
        """No arguments: sign and mass are attributes."""
        self.parameters = {"action_sign": 1.0, "mass": 1.0}
        self.observation_space = gym.spaces.Box(-LIMIT, LIMIT, (4,), np.float32)
        self.action_space = gym.spaces.Box(-1.0, 1.0, (2,), np.float32)

    def start(self, rng: np.random.Generator, options: Mapping[str, Any] | None) -> Floats:
        """Draw the position; the options overrule it coordinate by coordinate."""
        size, side = rng.uniform(CORNER, LIMIT, size=2), rng.integers(0, 2, size=2)
        position = np.where(side == 1, size, -size)
        return start_at_rest(position, options, LIMIT)

    def step(
        self, state: Floats, action: NDArray[Any], context: Constants
    ) -> tuple[Floats, Floats, NDArray[np.bool_]]:
        """Advance; never terminates."""
        columns = state.T
        force = np.minimum(np.maximum(context["action_sign"] * action.T.astype(np.float64), -1.0), 1.0)
        rate = np.empty_like(columns)
        rate[:2] = columns[2:]
        rate[:2] *= STEP_SECONDS
        np.divide(STEP_SECONDS * force, context["mass"], out=rate[2:])
        return _reward_at_goal(columns + rate)


class DoubleIntegratorEnv(DynamicsEnv):
    """`hyperrl-base/double-integrator-v0`; attributes `action_sign` and `mass`."""

    action_sign: float
    mass: float

    def __init__(self, render_mode: str | None = None) -> None:
        """See `DoubleIntegrator`."""
        super().__init__(DoubleIntegrator(), render_mode)

    def _picture(self, trail: Floats) -> NDArray[np.uint8]:
        return _draw(trail, f"action_sign = {self.action_sign:+g}   mass = {self.mass:g}")


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
        remaining = 1.0 - STEP_SECONDS * context["friction"] / context["mass"]
        after[2:] = remaining * columns[2:] + STEP_SECONDS * force / context["mass"]
        return _reward_at_goal(after)


class DoubleIntegratorFrictionEnv(DynamicsEnv):
    """`hyperrl-base/double-integrator-friction-v0`; attributes `mass` and `friction`."""

    mass: float
    friction: float

    def __init__(self, render_mode: str | None = None) -> None:
        """See `DoubleIntegratorFriction`."""
        super().__init__(DoubleIntegratorFriction(), render_mode)

    def _picture(self, trail: Floats) -> NDArray[np.uint8]:
        return _draw(trail, f"mass = {self.mass:g}   friction = {self.friction:g}")


def _reward_at_goal(after: Floats) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """What a step gives: states (n, 4) clipped to their limits, rewards and terminations.

    Args:
        after: (4, n), the columns after the step; written into.
    """
    np.minimum(np.maximum(after, -LIMIT, out=after), LIMIT, out=after)
    square = after[:2] * after[:2]
    reward = (np.sqrt(square[0] + square[1]) <= GOAL_RADIUS).astype(np.float64)
    return after.T, reward, np.zeros(after.shape[1], np.bool_)


def _draw(trail: Floats, task: str) -> NDArray[np.uint8]:
    """Draw corners, goal, trail (T, 4) and velocity, with the task in words."""
    from hyperrl.tasks.dynamics.picture import Picture

    picture = Picture((-1.1, 1.1), (-1.1, 1.1))
    for x in (-1.0, CORNER):
        for y in (-1.0, CORNER):
            picture.box((x, y), (x + LIMIT - CORNER, y + LIMIT - CORNER), "faint")
    picture.circle((0.0, 0.0), GOAL_RADIUS, "goal")
    picture.trail([(float(x), float(y)) for x, y in trail[:, :2]])
    x, y, right, up = (float(value) for value in trail[-1])
    picture.line((x, y), (x + 0.3 * right, y + 0.3 * up), "state")
    picture.caption(f"{task}   step {len(trail) - 1}")
    return picture.pixels()
