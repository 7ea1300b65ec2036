"""Gymnasium's CartPole for a whole batch, equal to the single environment bit for bit.

Barto, Sutton and Anderson, "Neuronlike adaptive elements that can solve difficult learning control
problems", 1983, with Florian's corrected equations of motion (2005), as Gymnasium has them.
"""

import math
from collections.abc import Mapping
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.envs.classic_control.utils import maybe_parse_reset_bounds
from numpy.typing import NDArray

from hyperrl.tasks.dynamics.base import Constants, Dynamics, Floats


class CartPole(Dynamics):
    """State (4,): cart position (m) and velocity, pole angle (rad) and velocity; action 0 (left), 1 (right).

    `total_mass` and `polemass_length` are parameters of their own, because the environment computes them in
    its constructor alone: a family derives them from masscart, masspole and length.
    """

    def __init__(self) -> None:
        """Take defaults and spaces as in the environment's constructor."""
        self.parameters = {
            "gravity": 9.8,
            "masscart": 1.0,
            "masspole": 0.1,
            "total_mass": 0.1 + 1.0,
            "length": 0.5,
            "polemass_length": 0.1 * 0.5,
            "force_mag": 10.0,
            "tau": 0.02,
            "theta_threshold_radians": 12 * 2 * math.pi / 360,
            "x_threshold": 2.4,
        }
        high = np.array([2.4 * 2, np.inf, 12 * 2 * math.pi / 360 * 2, np.inf], np.float32)
        self.observation_space = gym.spaces.Box(-high, high, dtype=np.float32)
        self.action_space = gym.spaces.Discrete(2)

    def start(self, rng: np.random.Generator, options: Mapping[str, Any] | None) -> Floats:
        """Draw all four from U(low, high): reset options, by default -0.05 and 0.05."""
        low, high = maybe_parse_reset_bounds(dict(options), -0.05, 0.05) if options else (-0.05, 0.05)
        return rng.uniform(low=low, high=high, size=(4,))

    def step(
        self, state: Floats, action: NDArray[Any], context: Constants
    ) -> tuple[Floats, Floats, NDArray[np.bool_]]:
        """Advance by one explicit Euler step; terminated beyond the thresholds of position or angle."""
        columns = state.T
        theta, theta_dot = columns[2], columns[3]
        total_mass, polemass_length = context["total_mass"], context["polemass_length"]
        force = np.where(action == 1, context["force_mag"], -context["force_mag"])
        cosine, sine = np.cos(theta), np.sin(theta)
        temp = (force + polemass_length * np.square(theta_dot) * sine) / total_mass
        theta_acc = (context["gravity"] * sine - cosine * temp) / (
            context["length"] * (4.0 / 3.0 - context["masspole"] * np.square(cosine) / total_mass)
        )
        rate = np.empty((4, len(state)))
        rate[0::2] = columns[1::2]
        rate[1] = temp - polemass_length * theta_acc * cosine / total_mass
        rate[3] = theta_acc
        after = columns + context["tau"] * rate
        distance = np.abs(after)
        terminated = distance[0] > context["x_threshold"]
        terminated |= distance[2] > context["theta_threshold_radians"]
        return after.T, np.ones(len(state)), terminated
