"""Base environments whose reward is several numbers, such as mo-gymnasium's, as environments with one."""

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np

from hyperrl.tasks.adapter import InterfaceError, info_of, step_parts

OBJECTIVE = "reward."
"""In an info, before the number of an entry of the reward."""


class SummedReward(gym.Wrapper[Any, Any, Any, Any]):
    """Pays the sum of the numbers of a reward; the info has each of them, "reward.0" and so on.

    Alegre et al., "MO-Gym: A Library of Multi-Objective Reinforcement Learning Environments", BNAIC 2022.
    """

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Step the environment; InterfaceError where its reward is no row of real numbers."""
        observation, reward, terminated, truncated, info = step_parts(self.env.step(action))
        row = np.asarray(reward)
        if row.ndim != 1 or row.dtype.kind not in "biuf":
            raise InterfaceError(
                f"the reward has shape {row.shape}; allowed with features that weigh {OBJECTIVE}N: several"
                " numbers"
            )
        numbers = [float(number) for number in row]
        terms = {f"{OBJECTIVE}{place}": number for place, number in enumerate(numbers)}
        return observation, sum(numbers), terminated, truncated, {**info_of(info), **terms}


def with_one_reward(env: gym.Env[Any, Any], terms: Sequence[str]) -> gym.Env[Any, Any]:
    """An environment whose reward is one number, where features weigh entries of it; else as it is.

    Args:
        env: the base environment.
        terms: what features weigh.
    """
    return SummedReward(env) if any(term.startswith(OBJECTIVE) for term in terms) else env
