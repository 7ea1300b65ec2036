"""A point mass in the plane that must find a goal which it cannot see; made for this suite."""

from collections.abc import Mapping
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from hyperrl.tasks.dynamics.base import Constants, Dynamics, DynamicsEnv, Floats, start_at_rest

STEP_SECONDS = 0.1
LIMIT = 2.0
SPEED_LIMIT = 1.0
START = 0.1
CONTROL_COST = 0.01
EPISODE_STEPS = 100


class PointGoal(Dynamics):
    """Unit mass pushed by an action (2,) in [-1, 1]; the goal lies on the unit circle at `angle` (radians).

    velocity <- clip(velocity + 0.1 action, -1, 1), then position <- clip(position + 0.1 velocity, -2, 2),
    each axis. Reward: minus the distance to the goal after the step, minus 0.01 |action|^2. State and
    observation (4,): position and velocity, never the goal, so that an agent which does not know the angle
    can do no better than to stay about the center (-1 a step). Start: at rest, each coordinate U(-0.1, 0.1),
    or the reset options `x` and `y`.
    """

    def __init__(self) -> None:
        """No arguments: the goal's angle is the only parameter."""
        self.parameters = {"angle": 0.0}
        high = np.array([LIMIT, LIMIT, SPEED_LIMIT, SPEED_LIMIT], np.float32)
        self.observation_space = gym.spaces.Box(-high, high, dtype=np.float32)
        self.action_space = gym.spaces.Box(-1.0, 1.0, (2,), np.float32)

    def start(self, rng: np.random.Generator, options: Mapping[str, Any] | None) -> Floats:
        """Draw the position; the options overrule it coordinate by coordinate."""
        position = rng.uniform(-START, START, size=2)
        return start_at_rest(position, options, LIMIT)

    def constants(self, attributes: Mapping[str, float]) -> dict[str, float]:
        """Place the goal: its coordinates, once per task."""
        angle = attributes["angle"]
        return {"goal_x": float(np.cos(angle)), "goal_y": float(np.sin(angle))}

    def step(
        self, state: Floats, action: NDArray[Any], context: Constants
    ) -> tuple[Floats, Floats, NDArray[np.bool_]]:
        """Advance; never terminates."""
        push = np.minimum(np.maximum(action, -1.0), 1.0).astype(np.float64)
        after = np.empty_like(state)
        velocity = np.minimum(np.maximum(state[:, 2:] + STEP_SECONDS * push, -SPEED_LIMIT), SPEED_LIMIT)
        position = np.minimum(np.maximum(state[:, :2] + STEP_SECONDS * velocity, -LIMIT), LIMIT)
        after[:, :2], after[:, 2:] = position, velocity
        east, north = position[:, 0] - context["goal_x"], position[:, 1] - context["goal_y"]
        effort = push[:, 0] * push[:, 0] + push[:, 1] * push[:, 1]
        reward = -np.sqrt(east * east + north * north) - CONTROL_COST * effort
        return after, reward, np.zeros(len(after), np.bool_)


class PointGoalEnv(DynamicsEnv):
    """`hyperrl-base/point-goal-v0`; attribute `angle`."""

    angle: float

    def __init__(self, render_mode: str | None = None) -> None:
        """See `PointGoal`."""
        super().__init__(PointGoal(), render_mode)

    def _picture(self, trail: Floats) -> NDArray[np.uint8]:
        from hyperrl.tasks.dynamics.picture import Picture

        picture = Picture((-LIMIT, LIMIT), (-LIMIT, LIMIT))
        goal = (float(np.cos(self.angle)), float(np.sin(self.angle)))
        picture.circle((0.0, 0.0), 1.0, "faint", filled=False)
        picture.circle(goal, 0.12, "goal")
        picture.trail([(float(x), float(y)) for x, y in trail[:, :2]])
        x, y, right, up = (float(value) for value in trail[-1])
        picture.line((x, y), (x + 0.3 * right, y + 0.3 * up), "state")
        picture.caption(f"angle = {self.angle:.2f} rad   step {len(trail) - 1}")
        return picture.pixels()
