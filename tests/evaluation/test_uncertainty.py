from typing import Any

import numpy as np
import pytest

from hyperrl.evaluation import evaluate_tasks
from hyperrl.evaluation.uncertainty import Watched, WatchedPolicy
from hyperrl.tasks import Family
from tests.evaluation.conftest import Observation, balance, drive

ODE = Family.load("ode")


class Fixed:
    """Two networks that act alike inside of the training range alone; values follow x."""

    count, source = 2, "runs"

    def answer(self, observation: Observation, masks: Any = ()) -> Any:
        outside = np.abs(observation["context"][:, 0]) > 1
        actions = np.stack([np.zeros((len(outside), 1)), outside[:, None].astype(np.float64)])
        values = 3.0 + np.stack([observation["obs"][:, 0], -observation["obs"][:, 0]]).astype(np.float64)
        return actions, values


def test_networks_answer_every_step_and_do_not_change_what_is_played() -> None:
    contexts = [{"c0": 2.0}, {"c0": 8.0}]
    watcher = WatchedPolicy(drive, Fixed())
    results = evaluate_tasks(watcher, ODE, contexts, episodes=2, step_rewards=True)
    plain = evaluate_tasks(drive, ODE, contexts, episodes=2)
    assert [result.returns for result in results] == [result.returns for result in plain]
    read = Watched(watcher, watcher, 0.9, ODE.max_steps).read(results, 2)
    assert [len(each) for each in read.episodes] == [2, 2]
    inside, outside = (each[0] for each in read.episodes)
    assert inside.actions.shape == inside.values.shape == (200,)
    assert inside.actions.max() == 0
    assert outside.actions == pytest.approx(np.full(200, np.sqrt(0.5)))
    assert inside.predicted.tolist() == [4.0, 2.0]
    assert inside.values[0] == pytest.approx(np.sqrt(2))
    rewards = (results[0].rewards or ())[0].rewards
    discounts = 0.9 ** np.arange(200)
    assert inside.realized == pytest.approx(discounts[:199] @ rewards[:199] + discounts[199] * 3.0)


def test_episodes_that_end_by_themselves_have_no_tail() -> None:
    cartpole = Family.load("cartpole")
    watcher = WatchedPolicy(balance, Fixed())
    for _ in range(2):  # what was read is not read again
        results = evaluate_tasks(watcher, cartpole, [{"gravity": 9.0}, {}], episodes=3, step_rewards=True)
        episodes = watcher.read(results, 0.5, cartpole.max_steps)
        for result, own in zip(results, episodes, strict=True):
            for length, each in zip(result.lengths, own, strict=True):
                assert length < 500
                assert len(each.actions) == length
                assert each.realized == pytest.approx(2 * (1 - 0.5**length))
