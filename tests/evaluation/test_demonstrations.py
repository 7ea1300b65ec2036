"""Transitions of teachers."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hyperrl.evaluation import ModelPolicy
from hyperrl.evaluation.demonstrations import Demonstrations, record
from hyperrl.tasks import Family
from hyperrl.training import load_model
from tests.runs import untrained
from tests.training.conftest import short_episodes


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Any:
    run = untrained(tmp_path_factory.mktemp("teacher") / "run", "hyper-ppo", "ode")
    return load_model(run, to_learn=False)


def test_each_row_is_a_step_of_the_task(teacher: Any) -> None:
    family = short_episodes(Family.load("ode"), 7)
    found = record(teacher, family, [{"c0": 5.0}, {"c0": -2.0}], episodes=3, seed=1)
    assert len(found) == 7 * 2 * 3
    assert [context["c0"] for context in found.contexts] == [5.0, -2.0]
    strength = np.array([5.0, -2.0])[found.tasks]
    moved = (found.next_observations["obs"] - found.observations["obs"])[:, 0]
    np.testing.assert_allclose(moved, 0.01 * strength * found.actions[:, 0], atol=1e-6)
    assert not found.terminated.any()
    seen = {**found.observations, "context": family.space.descriptors(found.contexts)[found.tasks]}
    np.testing.assert_allclose(found.advised, ModelPolicy(teacher)(seen), atol=1e-5)
    assert np.abs(found.advised - found.actions).max() > 0.1
    starts = found.observations["obs"][:6, 0]
    assert len(set(starts.tolist())) == 6


def test_an_episode_ends_with_its_own_last_observation(tmp_path: Path) -> None:
    run = untrained(tmp_path / "run", "hyper-ppo", "cartpole")
    family = Family.load("cartpole")
    found = record(load_model(run, to_learn=False), family, family.tasks("train")[:2], episodes=4, seed=0)
    assert found.terminated.sum() == 8
    ends = found.next_observations["obs"][found.terminated]
    assert ((np.abs(ends[:, 0]) > 2.4) | (np.abs(ends[:, 2]) > 12 * np.pi / 180)).all()
    assert (np.abs(found.next_observations["obs"][~found.terminated][:, 2]) <= 12 * np.pi / 180).all()


def test_those_of_several_teachers_keep_their_tasks(teacher: Any) -> None:
    family = short_episodes(Family.load("ode"), 3)
    one = record(teacher, family, [{"c0": 5.0}, {"c0": -2.0}], episodes=1, seed=0)
    other = record(teacher, family, [{"c0": 1.0}], episodes=2, seed=0)
    joined = Demonstrations.join([one, other])
    values = [joined.contexts[number]["c0"] for number in joined.tasks]
    assert values == [5.0, -2.0] * 3 + [1.0] * 6
    np.testing.assert_array_equal(joined.rewards, np.concatenate([one.rewards, other.rewards]))
