"""Rewards of several numbers."""

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from hyperrl.errors import BaseEnvironmentError
from hyperrl.tasks import check_family, contextualize
from hyperrl.tasks.reward_terms import SummedReward, with_one_reward
from tests.project.test_foreign import family_of
from tests.tasks.bases import Base


class Several(gym.Wrapper[Any, Any, Any, Any]):
    """Pays the same numbers at each step."""

    def __init__(self, env: gym.Env[Any, Any], reward: Any) -> None:
        super().__init__(env)
        self.reward = reward

    def step(self, action: Any) -> Any:
        observation, _, *rest = self.env.step(action)
        return observation, self.reward, *rest


def weighing(reward: Any, term: str = "reward.1") -> Any:
    weight = {"about": "a", "default": 1.0, "train": [0.0, 5.0], "weighs": term}
    env = contextualize(lambda: Several(Base(), reward), {"weight": weight}).make()
    env.reset(seed=0, options={"context": {"weight": 3.0}})
    return env


def test_entries_are_terms_and_what_is_not_weighed_counts_once() -> None:
    _, reward, _, _, info = weighing(np.array([2.0, -1.0], np.float32)).step(np.zeros(1, np.float32))
    assert reward == 2.0 - 3.0
    assert (info["reward.0"], info["reward.1"]) == (2.0, -1.0)
    assert (info["return.reward.1"], info["return.rest"]) == (-1.0, 2.0)


@pytest.mark.parametrize("reward", [1.0, np.ones((2, 1)), ["a", "b"]])
def test_a_reward_that_is_no_row_of_numbers_is_refused(reward: Any) -> None:
    with pytest.raises(BaseEnvironmentError, match=r"allowed with features that weigh reward\.N: several"):
        weighing(reward).step(np.zeros(1, np.float32))


def test_without_such_features_an_environment_is_as_it_was() -> None:
    env = Base()
    assert with_one_reward(env, ["reward_ctrl"]) is env
    assert isinstance(with_one_reward(env, ["reward_ctrl", "reward.0"]), SummedReward)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_objectives_of_a_foreign_environment() -> None:
    pytest.importorskip("mo_gymnasium")
    family = family_of("treasure")
    rows = check_family(family)
    assert "changes the reward" in rows[1].detail
    env = family.make_default()
    env.reset(seed=0, options={"context": {"treasure": 0.25}})
    _, reward, terminated, _, info = env.step(1)  # the first treasure lies one step down
    assert terminated
    assert reward == pytest.approx(0.25 * 0.7 + 0.75 * -1)
    assert info["return.reward.0"] == pytest.approx(0.7)
    assert info["return.reward.1"] == -1
