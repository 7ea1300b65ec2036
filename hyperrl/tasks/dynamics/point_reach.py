"""A puck in the plane that must reach a goal, which is another in each episode; made for this suite."""

from collections.abc import Mapping
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from hyperrl.tasks.dynamics.base import Constants, Floats, start_at_rest, start_option
from hyperrl.tasks.dynamics.goal import GoalDynamics, GoalEnv

STEP_SECONDS = 0.1
LIMIT = 3.0
NEAREST, FARTHEST = 1.0, 2.0
TOLERANCE = 0.1
EPISODE_STEPS = 50


class PointReach(GoalDynamics):
    """Force f = clip(action_sign * action, -1, 1) (N), action (2,), against friction of 1 N s/m.

    velocity <- velocity + 0.1 (f - velocity) / mass, then position <- clip(position + 0.1 velocity, -3, 3),
    each axis, so that no speed exceeds 1 m/s on an axis. Reward: 0 where the distance to the goal after the
    step is at most `tolerance` (m), else -1. State (6,): position, velocity, goal. Observation: `observation`
    (4,), position and velocity; `achieved_goal` (2,), the position; `desired_goal` (2,), the goal. Start: at
    rest in the origin, or at the reset options `x` and `y`; the goal lies at a distance U(1, 2) in any
    direction, or at the reset options `goal_x` and `goal_y`. Random actions hardly ever reach it.
    """

    def __init__(self) -> None:
        """No arguments: sign, mass and tolerance are attributes."""
        self.parameters = {"action_sign": 1.0, "mass": 1.0, "tolerance": TOLERANCE}
        high = np.array([LIMIT, LIMIT, 1.0, 1.0], np.float32)
        place = gym.spaces.Box(-LIMIT, LIMIT, (2,), np.float32)
        self.observation_space = gym.spaces.Dict(
            observation=gym.spaces.Box(-high, high, dtype=np.float32), achieved_goal=place, desired_goal=place
        )
        self.action_space = gym.spaces.Box(-1.0, 1.0, (2,), np.float32)

    def start(self, rng: np.random.Generator, options: Mapping[str, Any] | None) -> Floats:
        """Draw the goal; the options overrule it and the start coordinate by coordinate."""
        distance, angle = rng.uniform(NEAREST, FARTHEST), rng.uniform(0.0, 2.0 * np.pi)
        goal = np.array([distance * np.cos(angle), distance * np.sin(angle)])
        for axis, name in enumerate(("goal_x", "goal_y")):
            option = start_option(options, name, -LIMIT, LIMIT)
            if option is not None:
                goal[axis] = option
        return np.concatenate([start_at_rest(np.zeros(2), options, LIMIT), goal])

    def step(
        self, state: Floats, action: NDArray[Any], context: Constants
    ) -> tuple[Floats, Floats, NDArray[np.bool_]]:
        """Advance; never terminates."""
        columns = state.T
        force = np.minimum(np.maximum(context["action_sign"] * action.T.astype(np.float64), -1.0), 1.0)
        after = columns.copy()
        after[2:4] += STEP_SECONDS * (force - columns[2:4]) / context["mass"]
        after[:2] = np.minimum(np.maximum(columns[:2] + STEP_SECONDS * after[2:4], -LIMIT), LIMIT)
        goals = self.goals(after.T)
        reward = self.goal_reward(goals["achieved_goal"], goals["desired_goal"], context)
        return after.T, reward, np.zeros(len(state), np.bool_)

    def measure(self, state: Floats) -> Floats:
        """Observe position and velocity."""
        return state[:, :4]

    def restore(self, observation: Mapping[str, NDArray[Any]]) -> Floats:
        """Position, velocity and the desired goal."""
        parts = (observation[self.part], observation["desired_goal"])
        return np.concatenate(parts, axis=1, dtype=np.float64)

    def goals(self, state: Floats) -> dict[str, NDArray[np.float32]]:
        """Observe the position as the achieved goal, and the desired one."""
        return {
            "achieved_goal": state[:, :2].astype(np.float32),
            "desired_goal": state[:, 4:].astype(np.float32),
        }

    def goal_reward(self, achieved: NDArray[Any], desired: NDArray[Any], context: Constants) -> Floats:
        """See `GoalDynamics.goal_reward`."""
        away = achieved.astype(np.float64) - desired.astype(np.float64)
        distance = np.sqrt(away[:, 0] * away[:, 0] + away[:, 1] * away[:, 1])
        return np.where(distance <= context["tolerance"], 0.0, -1.0)


class PointReachEnv(GoalEnv):
    """`hyperrl-base/point-reach-v0`; attributes `action_sign`, `mass` and `tolerance`."""

    action_sign: float
    mass: float
    tolerance: float

    def __init__(self, render_mode: str | None = None) -> None:
        """See `PointReach`."""
        super().__init__(PointReach(), render_mode)

    def _picture(self, trail: Floats) -> NDArray[np.uint8]:
        from hyperrl.tasks.dynamics.picture import Picture

        picture = Picture((-LIMIT, LIMIT), (-LIMIT, LIMIT))
        picture.circle((0.0, 0.0), NEAREST, "faint", filled=False)
        picture.circle((0.0, 0.0), FARTHEST, "faint", filled=False)
        x, y, right, up, goal_x, goal_y = (float(value) for value in trail[-1])
        picture.circle((goal_x, goal_y), self.tolerance, "goal")
        picture.trail([(float(east), float(north)) for east, north in trail[:, :2]])
        picture.line((x, y), (x + 0.3 * right, y + 0.3 * up), "state")
        picture.caption(f"action_sign = {self.action_sign:+g}   mass = {self.mass:g}   step {len(trail) - 1}")
        return picture.pixels()
