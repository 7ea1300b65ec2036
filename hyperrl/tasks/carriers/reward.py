"""The goal of the reward carries a feature, in the place of a simulator's reward for moving forward."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hyperrl.errors import UserError
from hyperrl.recipes import Context
from hyperrl.tasks.carriers.base import Carrier

_FORWARD = "reward_forward"


class RewardCarrier(Carrier):
    """Pays for a goal instead of for moving forward; the other terms (cost of control, ...) stay.

    "velocity" pays minus the distance of the forward velocity from the goal (m/s); "direction" the velocity
    along the goal, an angle (rad) from the forward axis, counterclockwise. The infos of Gymnasium's MuJoCo
    environments hold the velocities that a step measured, and the reward term by term.
    """

    _goal: float

    def apply(self, context: Context) -> None:
        """Take the goal: a family has one feature of this kind."""
        ((name, feature),) = self.features.items()
        self._kind, self._goal = feature.reward, context[name]

    def reward(self, reward: float, info: dict[str, Any]) -> tuple[float, dict[str, Any]]:
        """The reward, and the info with its term.

        Raises:
            UserError: the environment's infos lack the velocities or the reward's terms.
        """
        self._refuse_without_terms(info)
        forward = float(info["x_velocity"])
        if self._kind == "velocity":
            goal_term = -abs(forward - self._goal)
        else:
            goal_term = math.cos(self._goal) * forward + math.sin(self._goal) * float(info["y_velocity"])
        others = (float(info[name]) for name in _other_terms(info))
        return goal_term + sum(others), {**info, _FORWARD: goal_term}

    @staticmethod
    def rewards(
        carriers: Sequence[Any], rewards: NDArray[np.float64], info: dict[str, NDArray[Any]]
    ) -> tuple[NDArray[np.float64], dict[str, NDArray[Any]]]:
        """The rewards of several environments at once, each with a goal of its own; raises as `reward`."""
        carriers[0]._refuse_without_terms(info)
        goals, forward = [each._goal for each in carriers], info["x_velocity"]
        if carriers[0]._kind == "velocity":
            goal_terms = -np.abs(forward - goals)
        else:
            cosines, sines = (np.array([ratio(goal) for goal in goals]) for ratio in (math.cos, math.sin))
            goal_terms = cosines * forward + sines * info["y_velocity"]
        others = sum(info[name].astype(np.float64) for name in _other_terms(info))
        return goal_terms + others, {**info, _FORWARD: goal_terms}

    def _refuse_without_terms(self, info: Mapping[str, Any]) -> None:
        velocities = ("x_velocity",) if self._kind == "velocity" else ("x_velocity", "y_velocity")
        for name in (*velocities, _FORWARD):
            if name not in info:
                raise UserError(
                    f"a feature with 'reward: {self._kind}' needs {name!r} in the base environment's infos"
                )


def _other_terms(info: Mapping[str, Any]) -> list[str]:
    """Names of the reward's terms that stay."""
    return [name for name in info if name.startswith("reward_") and name != _FORWARD]
