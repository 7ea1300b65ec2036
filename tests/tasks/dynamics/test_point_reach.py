"""The puck that must reach a goal."""

from typing import Any

import numpy as np
import pytest

from hyperrl.tasks import Family

FAMILY = Family.load("point-reach")


def returns(act: Any, tasks: list[Any], seed: int) -> Any:
    batch = FAMILY.make_vec(len(tasks), contexts=tasks)
    seen, _ = batch.reset(seed=seed)
    total = np.zeros(len(tasks))
    for _ in range(50):
        seen, reward, *_ = batch.step(act(seen).astype(np.float32))
        total += reward
    return total


def test_random_actions_hardly_ever_reach_the_goal() -> None:
    rng = np.random.default_rng(0)
    total = returns(lambda seen: rng.uniform(-1, 1, seen["desired_goal"].shape), [{}] * 400, 0)
    assert (total > -50).mean() < 0.01


def test_who_knows_the_sign_reaches_it_and_who_does_not_fails_on_half_of_the_tasks() -> None:
    def toward(seen: Any) -> Any:
        away = seen["desired_goal"] - seen["achieved_goal"]
        return np.clip(3.0 * away - 1.5 * seen["observation"][:, 2:], -1, 1)

    tasks = FAMILY.tasks("interpolation") * 5
    informed = returns(lambda seen: seen["context"][:, :1] * toward(seen), tasks, 1)
    assert informed.min() > -40
    blind = returns(toward, tasks, 1)
    signs = np.array([task["action_sign"] for task in tasks])
    assert (blind[signs < 0] == -50).all()
    assert blind[signs > 0] == pytest.approx(informed[signs > 0])


def test_starts_and_goals() -> None:
    seen, _ = FAMILY.make_vec(500, contexts=[{}] * 500).reset(seed=0)
    assert not seen["observation"].any()
    distances = np.linalg.norm(seen["desired_goal"], axis=1)
    assert 1 <= distances.min() < 1.02
    assert 1.98 < distances.max() <= 2
    assert {tuple(row) for row in np.sign(seen["desired_goal"])} == {(-1, -1), (-1, 1), (1, -1), (1, 1)}
    options = {"x": 0.25, "goal_y": -1.5}
    given, _ = FAMILY.make_vec(500, contexts=[{}] * 500, options=options).reset(seed=0)
    assert (given["achieved_goal"] == [0.25, 0]).all()
    assert (given["desired_goal"][:, 1] == -1.5).all()
    np.testing.assert_array_equal(given["desired_goal"][:, 0], seen["desired_goal"][:, 0])
