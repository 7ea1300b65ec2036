"""Every family as a plain Gymnasium id: checkers, pictures, wrappers of others, what the import costs."""

import re
import subprocess
import sys
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from stable_baselines3.common.env_checker import check_env as sb3_check_env

import hyperrl
from hyperrl.errors import UserError
from hyperrl.recipes import shipped
from hyperrl.tasks import ContextualEnv, Family
from tests.suite import SIMULATED, playable

NAMES = list(shipped("envs"))
PLAYABLE = playable()
OURS = ["ode", "point-goal", "double-integrator", "double-integrator-friction", "wall-gap"]


@pytest.fixture(autouse=True)
def _no_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")


def warnings_of(check: Callable[[Any], None], env: gym.Env[Any, Any]) -> set[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        check(env)
    env.close()
    return {re.sub(r"\x1b\[\d+m|\(key='\w+'\)", "", str(warning.message)) for warning in caught}


@pytest.mark.parametrize("check", [check_env, sb3_check_env], ids=["gymnasium", "sb3"])
@pytest.mark.parametrize("name", PLAYABLE)
def test_the_checkers_warn_of_no_more_than_the_base_gives(name: str, check: Callable[..., None]) -> None:
    if name in SIMULATED:
        # Gymnasium's checker would open a window, which ends a process without a display.
        check = partial(check, skip_render_check=True)
    given = warnings_of(check, Family.load(name).make_base().unwrapped)
    found = warnings_of(check, gym.make(f"hyperrl/{name}-v0").unwrapped)
    assert found <= given


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("check", [check_env, sb3_check_env], ids=["gymnasium", "sb3"])
def test_our_own_bases_give_no_warning(name: str, check: Callable[[Any], None]) -> None:
    assert warnings_of(check, gym.make(f"hyperrl-base/{name}-v0").unwrapped) == set()


@pytest.mark.parametrize("name", PLAYABLE)
def test_a_family_renders(name: str) -> None:
    env = gym.make(f"hyperrl/{name}-v0", render_mode="rgb_array")
    env.reset(seed=0)
    frames: list[Any] = [env.render()]
    for _ in range(15):
        env.step(env.action_space.sample())
    frames.append(env.render())
    env.close()
    for frame in frames:
        assert frame.dtype == np.uint8
        assert frame.ndim == 3
        assert frame.shape[2] == 3
    assert (frames[0] != frames[1]).any()


@pytest.mark.parametrize("name", ["ode", "point-goal", "double-integrator", "double-integrator-friction"])
def test_our_pictures_show_goal_state_trail_and_task(name: str) -> None:
    from hyperrl.tasks.dynamics.picture import _COLORS

    family = Family.load(name)
    env = family.make(render_mode="rgb_array")
    pictures = []
    for context in family.tasks("train")[:2]:
        env.reset(seed=0, options={"context": context})
        for _ in range(30):
            env.step(np.array([0.7, -0.4], np.float32))
        pictures.append(env.render())
    for picture in pictures:
        for part in ("goal", "state", "trail", "ink"):
            assert (picture == _COLORS[part]).all(axis=2).sum() > 20, part
    assert (pictures[0] != pictures[1]).any()
    env.close()


def test_a_base_without_a_render_mode_says_so() -> None:
    env = gym.make("hyperrl-base/ode-v0").unwrapped
    env.reset()
    with pytest.warns(UserWarning, match="rgb_array"):
        assert env.render() is None
    with pytest.raises(gym.error.ResetNeeded):
        gym.make("hyperrl-base/ode-v0").unwrapped.step(np.zeros(2))


def test_the_split_is_a_keyword() -> None:
    family = Family.load("ode")
    for split in ("train", "interpolation", "extrapolation"):
        env = gym.make("hyperrl/ode-v0", split=split)
        seen = {env.reset(seed=seed)[1]["context"]["c0"] for seed in range(100)}
        assert seen == {task["c0"] for task in family.tasks(split)}
    with pytest.raises(UserError, match=r"unknown split 'interpolate'; did you mean 'interpolation'"):
        gym.make("hyperrl/ode-v0", split="interpolate")
    with pytest.raises(UserError, match="'extrapolation' has no tasks"):
        gym.make("hyperrl/point-goal-v0", split="extrapolation")


def test_wrappers_of_others() -> None:
    """Gymnasium's statistics, its vector environments and its spec see an ordinary environment."""
    env = gym.wrappers.RecordEpisodeStatistics(gym.make("hyperrl/ode-v0", split="interpolation"))
    env.reset(seed=0)
    for _ in range(200):
        _, _, _, truncated, info = env.step(env.action_space.sample())
    assert truncated
    assert info["episode"]["l"] == 200
    assert isinstance(env.unwrapped, ContextualEnv)
    assert info["context"] == env.unwrapped.context
    assert env.spec is not None
    again = env.spec.make()
    assert again.observation_space == env.observation_space
    batch = gym.make_vec("hyperrl/ode-v0", num_envs=3, vectorization_mode="sync", split="extrapolation")
    assert batch.reset(seed=0)[0]["context"].shape == (3, 1)


def test_registering_twice_changes_nothing() -> None:
    from hyperrl.registration import register

    before = dict(gym.registry)
    register()
    assert dict(gym.registry) == before
    assert {f"hyperrl/{name}-v0" for name in NAMES} <= set(before)


def run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_the_import_is_light() -> None:
    heavy = "torch,stable_baselines3,matplotlib,scipy,tensorboard,pygame,pandas,typer,pydantic,hyperrl.tasks"
    loaded = run(f"import sys, hyperrl; print([m for m in {heavy!r}.split(',') if m in sys.modules])")
    assert loaded == "[]"


def test_making_and_playing_a_listed_family_needs_no_torch() -> None:
    code = """
import sys, gymnasium, hyperrl
env = gymnasium.make("hyperrl/ode-v0", render_mode="rgb_array")
env.reset(seed=0); env.step(env.action_space.sample()); env.render()
hyperrl.Family.load("cartpole").make_vec(4, contexts=[{}] * 4).reset(seed=0)
print([m for m in ("torch", "scipy", "stable_baselines3", "matplotlib") if m in sys.modules])
"""
    assert run(code) == "[]"


def test_lazy_attributes() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", hyperrl.__version__)
    assert hyperrl.Family is Family
    assert hyperrl.UserError is UserError
    assert {"train", "evaluate", "load", "resume", "contextualize", "__version__"} <= set(dir(hyperrl))
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        hyperrl.trian  # noqa: B018
