"""Recorded transitions are those of the environment."""

import numpy as np
import pytest

from hyperrl.evaluation import ModelPolicy
from hyperrl.identify.playing import joined, play_tasks
from hyperrl.tasks import Family
from tests.runs import untrained


@pytest.mark.parametrize("name", ["cartpole", "point-reach", "acrobot", "wall-gap"])
def test_rows_follow_each_other_until_the_end(name: str) -> None:
    family = Family.load(name)
    found = play_tasks(family, [{}, {}], seeds=[3, 4])
    lengths = [len(each) for each in found]
    if name == "cartpole":
        assert lengths[0] != lengths[1]
        assert max(lengths) < 200
        for each in found:  # the last observation is that of the end, not of the next start
            last = each.next_observations["obs"][-1]
            assert abs(last[2]) > 0.2095
            assert not (np.abs(each.next_observations["obs"][:-1, 2]) > 0.2095).any()
    for each in found:
        for key, after in each.next_observations.items():
            np.testing.assert_array_equal(after[:-1], each.observations[key][1:])
        assert each.rewards is not None
        assert each.rewards.shape == (len(each),)


def test_the_seed_decides() -> None:
    family = Family.load("pendulum")
    one, same, other = (play_tasks(family, [{}], seeds=[seed])[0].actions for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)
    assert np.abs(one).max() > 1.5


def test_an_agent_acts_and_its_stacked_frames_are_left_out(tmp_path: object) -> None:
    from pathlib import Path

    from hyperrl import api

    run = untrained(Path(str(tmp_path)) / "run", "hyper-ppo", "pendulum", ["frame_stack=3"])
    agent = api.load(run)
    (found,) = play_tasks(
        agent.family, [{"m": 1.5}], policy=ModelPolicy(agent.model), seeds=[0], options={"x_init": 1.0}
    )
    assert found.observations["obs"].shape == (200, 3)
    np.testing.assert_array_equal(found.observations["obs"][1:], found.next_observations["obs"][:-1])
    stacked = np.concatenate([np.zeros(6), found.observations["obs"][0]])
    np.testing.assert_allclose(found.actions[0], agent.act(stacked, {"m": 1.5}), rtol=1e-5)


def test_masked_actions_are_valid() -> None:
    family = Family.load("wall-gap")
    (found,) = play_tasks(family, [{"near": 0.0, "far": 8.0}], seeds=[0])
    moved = np.abs(found.next_observations["obs"] - found.observations["obs"]).max(axis=1)
    assert (moved > 0).all()


def test_transitions_of_several_episodes_become_one() -> None:
    family = Family.load("cartpole")
    parts = play_tasks(family, [{}, {}], seeds=[0, 1])
    whole = joined(parts)
    assert (len(whole), whole.episodes) == (sum(map(len, parts)), 2)
    np.testing.assert_array_equal(whole.observations["obs"][len(parts[0]) :], parts[1].observations["obs"])
