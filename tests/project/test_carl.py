"""The page's table of CARL's features: each mark is what setting that attribute does to the environment."""

import re
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from hyperrl.recipes import load_family, shipped
from tests.project.pages import ROOT

PAGE = (ROOT / "docs/your-own-family.md").read_text()
ROWS = re.findall(r"^\| (\S+-v\d) \| (.*?) \| (yes|in part|no)\b.*? \| (.*?) \|$", PAGE, re.MULTILINE)
CASES = [
    (base, feature, mark, here)
    for base, features, mark, here in ROWS
    for feature in re.findall(r"`(\w+)`", features)
]
BOUNDS = {
    "CartPole-v1": [2.5, 3.0, 0.22, 3.0],
    "Pendulum-v1": [np.pi, 8.0],
    "Acrobot-v1": [np.pi, np.pi, 12.0, 28.0],
    "MountainCar-v0": [0.9, 0.07],
    "MountainCarContinuous-v0": [0.9, 0.07],
}
CENTERS = {"MountainCar-v0": [-0.3, 0.0], "MountainCarContinuous-v0": [-0.3, 0.0]}


def transitions(base: str, feature: str | None, factor: float = 1.0) -> list[Any]:
    """Next states, rewards and ends from many states, with the attribute set as CARL does."""
    env: Any = gym.make(base).unwrapped
    env.reset(seed=0)
    env.action_space.seed(0)
    if feature is not None:
        present = getattr(env, feature, 1.0)
        setattr(env, feature, present * factor if present else 0.3 * factor)
    rng = np.random.default_rng(0)
    found = []
    for _ in range(400):
        env.np_random = np.random.default_rng(1)
        bounds = np.array(BOUNDS[base])
        env.state = np.array(CENTERS.get(base, 0.0 * bounds)) + rng.uniform(-bounds, bounds)
        env.steps_beyond_terminated = None
        _, reward, terminated, *_ = env.step(env.action_space.sample())
        found.append([*np.asarray(env.state, float), float(reward), float(terminated)])
    env.close()
    return found


@pytest.mark.parametrize(("base", "feature", "mark", "here"), CASES, ids=[f"{b}-{f}" for b, f, *_ in CASES])
def test_a_mark_is_what_is_measured(base: str, feature: str, mark: str, here: str) -> None:
    plain = transitions(base, None)
    changes = any(transitions(base, feature, factor) != plain for factor in (0.6, 1.4))
    assert changes == (mark != "no")


@pytest.mark.parametrize("base", BOUNDS)
def test_what_the_table_says_of_here(base: str) -> None:
    """A family that it names has these features; a feature that it says `check` refuses is in none."""
    for row, features, _, here in ROWS:
        names = re.findall(r"`(\w+)`", features)
        family = re.match(r"`([\w-]+)`", here)
        if row != base or (not family and "refused" not in here):
            continue
        ours = {
            name
            for each in shipped("envs")
            if load_family(each).base == base
            for name in load_family(each).features
        }
        if family:
            assert load_family(family[1]).base == base
            assert set(names) <= set(load_family(family[1]).features)
        else:
            assert not set(names) & ours


def test_every_feature_is_in_the_table_once() -> None:
    assert len(CASES) == len({case[:2] for case in CASES}) == 8 + 7 + 14 + 11 + 10
