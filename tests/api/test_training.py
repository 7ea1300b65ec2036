from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

import hyperrl
from hyperrl import api, training
from hyperrl.deploy.cards import entries
from hyperrl.extras import EXTRAS
from hyperrl.recipes import AgentRecipe, load_agent
from hyperrl.store import Run
from hyperrl.tasks import Family
from tests.api.conftest import hook
from tests.runs import SMALL, message


class Reach(gym.Env[np.ndarray, np.ndarray]):
    """Say the number `goal` when `gain` multiplies what is said: reward is minus the distance."""

    observation_space = gym.spaces.Box(-1.0, 1.0, (2,), np.float32)
    action_space = gym.spaces.Box(-1.0, 1.0, (1,), np.float32)

    def __init__(self) -> None:
        self.goal, self.gain = 0.5, 1.0

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed)
        return self.np_random.uniform(-1, 1, 2).astype(np.float32), {}

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        observation = self.np_random.uniform(-1, 1, 2).astype(np.float32)
        return observation, -abs(self.gain * float(action[0]) - self.goal), False, False, {}


@pytest.fixture(scope="module")
def reach() -> Family:
    """A family without an id, whose episodes take three steps."""
    features = {
        "goal": {"train": [-0.5, 0.5], "extrapolation": [-1.0, 1.0]},
        "gain": {"train": [0.5, 1.5], "extrapolation": [0.2, 2.0]},
    }
    return hyperrl.contextualize(Reach, features, name="reach", max_steps=3)


@pytest.fixture(scope="module")
def reached(reach: Family, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return api.train(
        "hyper-ppo", reach, steps=32, overrides=SMALL, out=tmp_path_factory.mktemp("r") / "run"
    ).path


def test_training_takes_names_recipes_families_and_runs(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments: dict[str, Any] = {}

    def caught(agent: AgentRecipe, family: Family, **rest: Any) -> None:
        arguments.update(rest, agent=agent, family=family)

    monkeypatch.setattr(training, "train", caught)
    monkeypatch.setattr(entries, "write_run_card", lambda *_: None)
    monkeypatch.chdir(tmp_path)
    api.train(
        "hyper-ppo",
        "ode",
        seed=3,
        overrides=["policy.hypernetwork.hidden=[2]"],
        from_run=runs / "seed-0",
    )
    assert arguments["agent"].policy.hypernetwork.hidden == (2,)
    assert (arguments["family"].name, arguments["from_run"].path, arguments["seed"]) == (
        "ode",
        runs / "seed-0",
        3,
    )
    assert arguments["out"] == Path("runs/ode/hyper-ppo/seed-3") == api.default_run_dir("ode", "hyper-ppo", 3)
    family = Family.load("cartpole")
    api.train(load_agent("concat-ppo"), family, steps=7)
    assert (arguments["family"], arguments["steps"], arguments["agent"].name) == (family, 7, "concat-ppo")
    api.train("blind-ppo", family.recipe, out="there")
    assert (arguments["family"].recipe, arguments["out"]) == (family.recipe, Path("there"))


def test_a_family_made_in_python_is_trained_evaluated_and_resumed(reach: Family, reached: Path) -> None:
    tasks = api.evaluate(reached, family=reach, splits=["interpolation"], episodes=2).tasks
    assert {length for task in tasks for length in task.lengths} == {3}
    assert all(task.mean < 0 for task in tasks)
    assert api.load(reached, family=reach).act([0.1, 0.2], {"goal": 0.3}).shape == (1,)
    assert "family=" in message(api.evaluate, reached)
    assert "family=" in message(api.load, reached)
    assert "family=" in message(api.resume, reached, steps=64)
    assert api.resume(reached, steps=64, family=reach).status.steps == 64
    assert api.evaluate(reached, family=reach, save=False).runs[0].steps == 64
    assert "another family" in message(api.load, reached, family=Family.load("ode"))


@pytest.fixture
def tracker(monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a tracker whose extra is there."""
    monkeypatch.setitem(EXTRAS, "wandb", "json")
    return "wandb"


def test_train(
    passed_arguments: Callable[..., dict[str, Any]], run: Run, tmp_path: Path, tracker: str
) -> None:
    arguments = passed_arguments(
        "hyperrl.training.train", api.train, "hyper-ppo", "ode", steps=64, seed=5, overrides=["n_envs=2"],
        out=tmp_path / "new", leave_out=[{"c0": 1}], from_run=run, freeze="generator", keep=3,
        detect_anomaly=True, device="cuda:1", progress=hook, track=[tracker, tracker],
    )  # fmt: skip
    agent, family = arguments.pop("")
    assert agent.n_envs == 2
    assert [task["c0"] for task in family.tasks("train")] == [-5.0, -1.0, 5.0]
    assert arguments.pop("from_run").path == run.path
    assert arguments == {
        "out": tmp_path / "new", "seed": 5, "steps": 64, "device": "cuda:1", "overrides": ["n_envs=2"],
        "freeze": "generator", "in_sequence": False, "keep": 3, "detect_anomaly": True, "progress": hook,
        "track": (tracker,),
    }  # fmt: skip


def test_train_in_sequence(passed_arguments: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    arguments = passed_arguments("hyperrl.training.train", api.train, "hyper-ppo", "ode", sequence=2)
    _, family = arguments.pop("")
    assert [task["c0"] for task in family.tasks("train")] == [-5, 5]
    assert arguments["in_sequence"]
    assert arguments["out"] == Path("runs/ode/hyper-ppo/sequence-2/seed-0")
    assert default("c0=5_c0=1") == api.default_run_dir("ode", "hyper-ppo", 0, sequence=[{"c0": 5}, {"c0": 1}])
    both = message(api.train, "hyper-ppo", "ode", sequence=2, contexts=[{"c0": 1}], out=tmp_path)
    assert "allowed: one of them" in both
    assert "sequence: found 'x'" in message(api.train, "hyper-ppo", "ode", sequence="x")


def default(name: str) -> Path:
    return Path("runs/ode/hyper-ppo") / f"sequence-{name}" / "seed-0"


def test_resume(passed_arguments: Callable[..., dict[str, Any]], run: Run, tracker: str) -> None:
    options: dict[str, Any] = {
        "steps": 96, "device": "cuda:1", "family": Family.load("ode"), "detect_anomaly": True,
        "progress": hook,
        "track": (tracker,),
    }  # fmt: skip
    arguments = passed_arguments("hyperrl.training.resume", api.resume, run.path, **options)
    assert [each.path for each in arguments.pop("")] == [run.path]
    assert arguments == options
