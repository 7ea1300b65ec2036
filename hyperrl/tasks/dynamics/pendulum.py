"""Gymnasium's Pendulum for a whole batch: states bit for bit, rewards to 1e-12.

NumPy squares a scalar by `pow` and an array by multiplication, which round differently.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

import gymnasium as gym
import numpy as np
from gymnasium.envs.classic_control.utils import verify_number_and_cast
from numpy.typing import NDArray

from hyperrl.tasks.dynamics.base import Constants, Dynamics, Floats


def _squares(torque: NDArray[Any]) -> NDArray[Any]:
    """Square each torque (N,) as a NumPy scalar does: in single precision the two ways differ by 1e-10."""
    squares: NDArray[Any] = torque * torque
    if torque.dtype != np.float64:
        squares = np.fromiter((each**2 for each in torque), torque.dtype, len(torque))
    return squares


class Pendulum(Dynamics):
    """State (2,): angle from upright (rad) and its velocity; action (1,): torque within ±`max_torque`.

    The reward is the sum of minus the squared error, angle^2 + 0.1 velocity^2, and minus the effort,
    0.001 torque^2.
    """

    terms: ClassVar[tuple[str, ...]] = ("reward_error", "reward_effort")

    def __init__(self) -> None:
        """Take defaults and spaces as in the environment's constructor."""
        self.parameters = {"g": 10.0, "m": 1.0, "l": 1.0, "dt": 0.05, "max_speed": 8.0, "max_torque": 2.0}
        high = np.array([1.0, 1.0, 8.0], np.float32)
        self.observation_space = gym.spaces.Box(-high, high, dtype=np.float32)
        self.action_space = gym.spaces.Box(-2.0, 2.0, (1,), np.float32)

    def start(self, rng: np.random.Generator, options: Mapping[str, Any] | None) -> Floats:
        """Draw angle and velocity from U(-high, high); high: options `x_init` and `y_init`, or (pi, 1)."""
        options = options or {}
        high = np.array(
            [
                verify_number_and_cast(options.get("x_init", np.pi)),
                verify_number_and_cast(options.get("y_init", 1.0)),
            ]
        )
        return rng.uniform(low=-high, high=high)

    def constants(self, attributes: Mapping[str, float]) -> dict[str, float]:
        """Compute what depends on the task alone, in the environment's own order."""
        g, m, length = attributes["g"], attributes["m"], attributes["l"]
        return {
            "weight": 3 * g / (2 * length),
            "leverage": 3.0 / (m * length**2),
            "dt": attributes["dt"],
            "max_speed": attributes["max_speed"],
            "max_torque": attributes["max_torque"],
        }

    def step(
        self, state: Floats, action: NDArray[Any], context: Constants
    ) -> tuple[Floats, Floats, NDArray[np.bool_]]:
        """Advance; the torque is rounded in the action's own precision, as in the single environment."""
        after, (error, effort), ended = self.step_terms(state, action, context)
        return after, error + effort, ended

    def step_terms(
        self, state: Floats, action: NDArray[Any], context: Constants
    ) -> tuple[Floats, Floats, NDArray[np.bool_]]:
        """See `Dynamics.step_terms`."""
        angle, speed = state.T
        kind = action.dtype if np.issubdtype(action.dtype, np.floating) else np.dtype(np.float64)
        bound, leverage = (np.asarray(context[name], kind) for name in ("max_torque", "leverage"))
        torque = np.minimum(np.maximum(action[:, 0], -bound), bound)
        wrapped = ((angle + np.pi) % (2 * np.pi)) - np.pi
        costs = np.stack([wrapped * wrapped + 0.1 * (speed * speed), 0.001 * _squares(torque)])
        after = np.empty_like(state)
        faster = speed + (context["weight"] * np.sin(angle) + leverage * torque) * context["dt"]
        after[:, 1] = np.minimum(np.maximum(faster, -context["max_speed"]), context["max_speed"])
        after[:, 0] = angle + after[:, 1] * context["dt"]
        return after, -costs, np.zeros(len(after), np.bool_)

    @staticmethod
    def split_reward(base: Any, reward: float) -> dict[str, float]:
        """The terms of the latest reward of Gymnasium's environment, whose infos do not tell them."""
        effort = -float(0.001 * base.last_u**2)
        return {"reward_error": reward - effort, "reward_effort": effort}

    def measure(self, state: Floats) -> Floats:
        """Observe cosine and sine of the angle, and its velocity."""
        observation = np.empty((len(state), 3))
        observation[:, 0], observation[:, 1] = np.cos(state[:, 0]), np.sin(state[:, 0])
        observation[:, 2] = state[:, 1]
        return observation

    def restore(self, observation: Mapping[str, NDArray[Any]]) -> Floats:
        """The angle, within [-pi, pi], and its velocity."""
        cosine, sine, speed = np.asarray(observation[self.part], np.float64).T
        return np.stack([np.arctan2(sine, cosine), speed], axis=1)
