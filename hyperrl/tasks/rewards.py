"""Rewards for a goal of the task, in the place of a simulator's reward for moving forward."""

import math
from collections.abc import Mapping
from typing import Any, Literal

from hyperrl.errors import UserError

_FORWARD = "reward_forward"


def rewarded(
    kind: Literal["velocity", "direction"] | str, goal: float, info: Mapping[str, Any]
) -> tuple[float, dict[str, Any]]:
    """Pay for a goal instead of for moving forward; the other terms (cost of control, ...) stay.

    Args:
        kind: "velocity", minus the distance of the forward velocity from the goal (m/s); "direction", the
            velocity along the goal, an angle (rad) from the forward axis, counterclockwise.
        goal: the feature's value.
        info: of Gymnasium's MuJoCo environments: the velocities that the step measured in the simulator, and
            the reward term by term.

    Returns:
        The reward, and the info with its term.

    Raises:
        UserError: an environment that does not tell these.
    """
    needed = ("x_velocity",) if kind == "velocity" else ("x_velocity", "y_velocity")
    for name in (*needed, _FORWARD):
        if name not in info:
            raise UserError(f"a feature with 'reward: {kind}' needs {name!r} in the base environment's infos")
    if kind == "velocity":
        goal_term = -abs(float(info["x_velocity"]) - goal)
    else:
        goal_term = math.cos(goal) * float(info["x_velocity"]) + math.sin(goal) * float(info["y_velocity"])
    others = (float(value) for name, value in info.items() if name.startswith("reward_") and name != _FORWARD)
    return goal_term + sum(others), {**info, _FORWARD: goal_term}
