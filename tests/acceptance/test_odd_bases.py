"""Training on base environments that hand over whole numbers, arrays of their own, or small images."""

from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch

from hyperrl.recipes import load_agent, parse_family, resolve
from hyperrl.store import Run
from hyperrl.tasks import Family
from hyperrl.training import train
from hyperrl.training.loading import load_model
from tests.fuzz.worlds import ID, Played, World
from tests.training.conftest import COMMON, SMALL

SPLITS = {
    "train": {"list": [{"gain": 0.5}, {"gain": 2}]},
    "validation": {"list": [{"gain": 1}]},
    "interpolation": {"list": [{"gain": 1.5}]},
}


pytestmark = pytest.mark.usefixtures("no_figures")


def trained(world: World, agent: str, out: Path, *overrides: str) -> Run:
    feature = {"about": "a gain", "default": 1, "train": [0.5, 2]}
    data = {
        "about": "a world", "name": "world", "base": ID, "features": {"gain": feature}, "splits": SPLITS,
        "evaluation": {"episodes": 1},
    }  # fmt: skip
    family = Family(parse_family(data, "here"))
    Played.current, Played.calls = world, 0
    recipe = load_agent(agent)
    given = (*SMALL[recipe.algorithm.name], *COMMON, *overrides)
    return train(resolve(recipe, family.recipe, given), family, out=out, steps=512)


@pytest.mark.parametrize(
    ("agent", "observed", "acted"),
    [
        ("hyper-dqn", "discrete", "discrete"),
        ("concat-dqn", "dictionary", "from 1"),
        ("hyper-sac", "dictionary", "box"),
        ("concat-td3", "from -4", "matrix"),
    ],
)
def test_whole_numbers_end_episodes_off_policy(agent: str, observed: str, acted: str, tmp_path: Path) -> None:
    """In the observation that ends an episode, alone or in a dictionary; counted from 0 or not."""
    run = trained(World(observed, acted), agent, tmp_path / "run")
    assert run.status.state == "finished"


def test_an_array_that_the_base_writes_again_changes_nothing(tmp_path: Path) -> None:
    """The weights are those of a base that hands out new arrays."""
    ends = [
        trained(World("box", "box", owned=owned, truncates=True), "concat-ppo", tmp_path / f"{owned}")
        for owned in (False, True)
    ]
    one, other = (load_model(run, "latest").policy.state_dict() for run in ends)
    assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("agent", ["hyper-ppo", "concat-dqn", "blind-ppo"])
def test_images_too_small_for_convolutions_are_flattened(agent: str, tmp_path: Path) -> None:
    policy: Any = load_model(trained(World("image", "discrete"), agent, tmp_path / "run")).policy
    networks = [module for module in policy.modules() if isinstance(module, torch.nn.Conv2d)]
    assert not networks
    assert policy.observation_space["obs"].shape == (3, 8, 8)


def test_the_lake_is_learned_on(tmp_path: Path) -> None:
    """Gymnasium's, whose observations are whole numbers of Python's and whose task is made anew."""
    slip = {
        "about": "chance to move as wanted", "default": 0.75, "train": [0.5, 1.0], "values": [0.5, 0.75, 1.0],
        "argument": "success_rate", "at": "reset",
    }  # fmt: skip
    splits = {
        name: {"list": [{"slip": value}]}
        for name, value in (("train", 0.5), ("validation", 0.75), ("interpolation", 1.0))
    }
    data = {
        "about": "a lake", "name": "lake", "base": "FrozenLake-v1", "kwargs": {"map_name": "4x4"},
        "features": {"slip": slip}, "splits": splits, "evaluation": {"episodes": 1},
    }  # fmt: skip
    family = Family(parse_family(data, "here"))
    recipe = resolve(load_agent("hyper-dqn"), family.recipe, (*SMALL["dqn"], *COMMON))
    assert train(recipe, family, out=tmp_path / "run", steps=600).status.state == "finished"


def test_successes_that_are_no_numbers_are_left_out(tmp_path: Path) -> None:
    """Stable-Baselines3 takes means of them."""
    for info, logged in (("sb3's", False), ("success", True)):
        run = trained(World("box", "box", info=info), "concat-ppo", tmp_path / info)
        assert ("success_rate" in run.last_values("rollout/")) is logged


def test_gears_that_do_not_start_at_0_are_shifted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: set[int] = set()
    step = Played.step

    def noting(env: Played, action: Any) -> Any:
        seen.add(int(action))
        return step(env, action)

    monkeypatch.setattr(Played, "step", noting)
    run = trained(World("box", "from 1"), "concat-ppo", tmp_path / "run")
    assert seen == {1, 2, 3}
    assert isinstance(load_model(run).action_space, gym.spaces.Discrete)
    assert np.all(load_model(run).action_space.start == 0)  # type: ignore[attr-defined]
