"""What Gymnasium's registry tells of a base environment."""

from dataclasses import replace
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from hyperrl.recipes import parse_family
from hyperrl.tasks import Family, contextualize
from hyperrl.tasks.vector import BatchedEnv


def family_of(base: str, attribute: str, **more: Any) -> Family:
    features = {attribute: {"about": "x", "default": 1, "train": [0.5, 2]}}
    return Family(
        parse_family({"name": "mine", "about": "x", "base": base, "features": features, **more}, "t")
    )


@pytest.mark.parametrize("base", ["gymnasium:Pendulum-v1", "Pendulum"])
@pytest.mark.filterwarnings("ignore:.*Using the latest versioned")
def test_a_module_before_the_id_changes_nothing(base: str) -> None:
    """Nor does an id without its version: time limit, batched dynamics, nothing that must be allowed."""
    plain, other = family_of("Pendulum-v1", "m"), family_of(base, "m")
    assert other.max_steps == plain.max_steps == 200
    assert other.recipe.parsed_base.imports is None
    assert family_of("mine:Pendulum-v1", "m").recipe.parsed_base.imports == "mine"
    played = []
    for family in (plain, other):
        batch = family.make_vec(3)
        assert isinstance(batch, BatchedEnv)
        batch.reset(seed=0)
        played.append([batch.step(np.full((3, 1), 0.5, np.float32))[0]["obs"] for _ in range(20)])
    np.testing.assert_array_equal(played[0], played[1])


def test_a_time_limit_of_the_files_own_is_the_families() -> None:
    """Of an environment in a batch, of one alone, and of one that a function makes."""
    options = {"kwargs": {"max_episode_steps": 7}}
    family = family_of("Pendulum-v1", "m", **options)
    assert family.max_steps == 7
    batch = family.make_vec(2)
    assert isinstance(batch, BatchedEnv)
    batch.reset(seed=0)
    ends = [batch.step(np.zeros((2, 1), np.float32))[3].all() for _ in range(7)]
    assert ends == [False] * 6 + [True]
    assert family_of("MountainCar-v0", "force", **options).max_steps == 7
    assert family_of("MountainCar-v0", "force", kwargs={"max_episode_steps": -1}).max_steps == 0
    made = contextualize(
        lambda **given: gym.make("MountainCar-v0", **given), {"force": {"train": [0.001, 0.002]}}
    )
    assert made.max_steps == 200


def test_an_id_that_was_registered_anew_is_the_new_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """As what stood under its name before: by its entry point it is another environment."""
    spec = gym.spec("CartPole-v1")
    monkeypatch.setitem(gym.registry, "Pendulum-v1", replace(spec, id="Pendulum-v1"))
    batch = family_of("Pendulum-v1", "gravity").make_vec(2)
    assert batch.single_action_space == gym.spaces.Discrete(2)
