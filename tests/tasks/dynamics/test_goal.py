"""Dynamics with goals: the interface of gymnasium-robotics' environments."""

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from hyperrl.tasks.dynamics import PointReach, PointReachEnv


@pytest.fixture
def env() -> Any:
    return gym.make("hyperrl-base/point-reach-v0")


def test_a_step_pays_what_compute_reward_says(env: Any) -> None:
    """At the goal and away from it, in a task of another tolerance too."""
    rewards = set()
    for tolerance in (0.1, 0.6):
        env.unwrapped.tolerance = tolerance
        observation, info = env.reset(seed=0, options={"goal_x": 0.5, "goal_y": 0.0})
        for _ in range(50):
            observation, reward, *_ = env.step(np.array([1.0, 0.0], np.float32))
            goals = observation["achieved_goal"], observation["desired_goal"]
            assert reward == env.unwrapped.compute_reward(*goals, info)
            away = np.linalg.norm(goals[0].astype(float) - goals[1].astype(float))
            assert reward == (0 if away <= tolerance else -1)
            rewards.add((tolerance, reward))
    assert len(rewards) == 4


def test_rewards_of_many_goals_are_those_of_each(env: Any) -> None:
    rng = np.random.default_rng(0)
    achieved, desired = rng.uniform(-0.1, 0.1, (2, 200, 2))
    base = env.unwrapped
    together = base.compute_reward(achieved, desired, [{}] * 200)
    assert together.shape == (200,)
    assert set(together) == {0.0, -1.0}
    assert together.tolist() == [
        base.compute_reward(*pair, {}) for pair in zip(achieved, desired, strict=True)
    ]


def test_the_parts_of_an_observation_are_its_own() -> None:
    dynamics = PointReach()
    state = np.arange(12.0).reshape(2, 6)
    parts = {"observation": dynamics.observe(state), **dynamics.goals(state)}
    assert parts["observation"].tolist() == [[0, 1, 2, 3], [6, 7, 8, 9]]
    assert parts["achieved_goal"].tolist() == [[0, 1], [6, 7]]
    assert parts["desired_goal"].tolist() == [[4, 5], [10, 11]]
    for part in parts.values():
        part[:] = -1
    assert state.tolist() == np.arange(12.0).reshape(2, 6).tolist()


def test_an_observation_is_of_its_space() -> None:
    env = PointReachEnv()
    observation, _ = env.reset(seed=3)
    assert env.observation_space.contains(observation)
    observation, *_ = env.step(np.ones(2, np.float32))
    assert env.observation_space.contains(observation)
