"""Deep sea by the rules of bsuite."""

import numpy as np
import pytest

from hyperrl.tasks import Family
from hyperrl.tasks.dynamics import DeepSea, DeepSeaEnv


@pytest.mark.parametrize("size", [2, 7, 20])
def test_only_the_way_to_the_right_pays_and_each_move_costs(size: int) -> None:
    env = DeepSeaEnv()
    env.size = size
    observation, _ = env.reset()
    assert observation.tolist() == [1.0] + [0.0] * 399
    rewards = []
    for row in range(size):
        assert observation.argmax() == 21 * row
        observation, reward, terminated, truncated, _ = env.step(int(env.dynamics.right[row, row]))
        rewards.append(float(reward))
        assert (terminated, truncated) == (row == size - 1, False)
    assert not observation.any()
    assert rewards == pytest.approx([-0.01 / size] * (size - 1) + [1 - 0.01 / size])
    assert sum(rewards) == pytest.approx(0.99)


def test_one_move_to_the_left_misses_the_treasure() -> None:
    for wrong in range(6):
        env = DeepSeaEnv()
        env.size = 6
        env.reset()
        column, total = 0, 0.0
        for row in range(6):
            right = int(env.dynamics.right[row, column])
            _, reward, terminated, _, _ = env.step(1 - right if row == wrong else right)
            column = max(column - 1, 0) if row == wrong else column + 1
            total += float(reward)
        assert terminated
        assert total == pytest.approx(-0.01 * 5 / 6)


def test_actions_are_random_and_of_a_seed() -> None:
    one, same, other = DeepSea(30, 1), DeepSea(30, 1), DeepSea(30, 2)
    assert np.array_equal(one.right, same.right)
    assert not np.array_equal(one.right, other.right)
    assert 0.4 < one.right.mean() < 0.6
    assert one.observation_space.shape == (900,)


def test_states_are_restored_from_what_is_observed() -> None:
    dynamics = DeepSea(5)
    states = np.array([[row, column] for row in range(5) for column in range(5)], np.float64)
    assert np.array_equal(dynamics.restore({"obs": dynamics.observe(states)}), states)
    over = np.array([[5.0, 3.0]])
    assert dynamics.restore({"obs": dynamics.observe(over)}).tolist() == [[5.0, 0.0]]


def test_the_oracle_is_the_best_return_of_every_size() -> None:
    family = Family.load("deep-sea")
    assert [family.oracle(task) for task in family.tasks("train")] == [0.99] * 6
