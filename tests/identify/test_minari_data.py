"""Minari data sets on this machine."""

import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from hyperrl.identify.minari_data import read_minari
from hyperrl.identify.playing import joined, play_tasks
from hyperrl.identify.transitions import known_names, read_transitions
from hyperrl.tasks import Family
from tests.runs import message
from tests.suite import needs

NAMES = known_names(Family.load("pendulum"))


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hyperrl.extras.find_spec", lambda name: None)
    said = message(read_minari, "any/one-v0", NAMES)
    assert said == "data 'minari:any/one-v0' needs an extra: pip install 'hyperrl[minari]'"


@needs("minari")
def test_a_data_set_that_is_not_there_is_not_downloaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    said = message(read_minari, "any/one-v0", NAMES)
    assert "found none on this machine; allowed: a data set that `minari list local` shows" in said
    (tmp_path / "any/two-v0/data").mkdir(parents=True)
    assert "cannot be read (No data found" in message(read_minari, "any/two-v0", NAMES)


@needs("minari")
def test_episodes_become_transitions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    minari = pytest.importorskip("minari")
    pytest.importorskip("h5py", reason="needs the extra minari")
    from minari.data_collector import EpisodeBuffer

    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    family = Family.load("pendulum")
    played = [each.rows(np.arange(5)) for each in play_tasks(family, [{}, {}], seeds=[0, 1])]
    buffers = [
        EpisodeBuffer(
            observations=np.concatenate(
                [each.observations["obs"], each.next_observations["obs"][-1:]], dtype=np.float32
            ),
            actions=each.actions.astype(np.float32),
            rewards=np.array(each.rewards, np.float64).tolist(),
            terminations=[False] * 5,
            truncations=[False] * 4 + [True],
        )
        for each in played
    ]  # fmt: skip
    space: Any = family.adapter.observation_space
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that there is no environment to evaluate in
        minari.create_dataset_from_buffers(
            "mine/pendulum-v0", buffers, observation_space=space, action_space=family.action_space,
            algorithm_name="random", author="nobody", author_email="nobody@nowhere", code_permalink="none",
            description="two episodes",
        )  # fmt: skip
    whole = joined(played)
    log = read_minari("mine/pendulum-v0", NAMES)
    found = read_transitions(log, family)
    assert (len(found), found.episodes) == (10, 2)
    np.testing.assert_array_equal(found.observations["obs"], whole.observations["obs"])
    np.testing.assert_array_equal(found.next_observations["obs"], whole.next_observations["obs"])
    np.testing.assert_array_equal(found.actions, whole.actions)
    np.testing.assert_array_equal(found.rewards, whole.rewards)


@needs("minari")
def test_parts_of_observations_have_their_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    minari = pytest.importorskip("minari")
    episode = SimpleNamespace(
        observations={"observation": np.zeros((4, 2)), "clock": np.arange(4)},
        actions=np.zeros((3, 1)), rewards=np.zeros(3),
    )  # fmt: skip
    whole = SimpleNamespace(iterate_episodes=lambda: [episode, episode])
    monkeypatch.setattr(minari, "load_dataset", lambda name, download: whole)
    log = read_minari("any/one-v0", ["observation", "next_observation", "action", "episode"])
    assert {name: array.shape for name, array in log.arrays.items()} == {
        "observation": (6, 2), "next_observation": (6, 2), "action": (6, 1), "episode": (6,),
    }  # fmt: skip
    assert log.others == ["clock", "next_clock", "reward"]
