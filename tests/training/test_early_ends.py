"""A base environment that fails while a run trains, resumes, evaluates or is watched."""

import json
from multiprocessing import parent_process
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from hyperrl.cli import main
from hyperrl.errors import BaseEnvironmentError
from hyperrl.recipes import load_agent, resolve
from hyperrl.store import Run
from hyperrl.tasks import Family, contextualize
from hyperrl.training import train
from hyperrl.training.divergence import DivergenceGuard
from tests.training.conftest import COMMON, SMALL

ID = "hyperrl-tests/Failing-v0"


class Failing(gym.Env[Any, Any]):
    """Fails in one way at one step, counted over all of its kind in a process."""

    observation_space = gym.spaces.Box(-9, 9, (1,), np.float32)
    action_space = gym.spaces.Box(-1, 1, (1,), np.float32)
    how, at, steps = "raises", 1501, 0

    def __init__(self) -> None:
        self.gain = 1.0

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.t = 0
        if Failing.how == "resets":
            raise ValueError("no start")
        return np.zeros(1, np.float32), {}

    def step(self, action: Any) -> Any:
        self.t += 1
        Failing.steps += 1
        reward: Any = self.gain
        if Failing.steps >= self.at:
            if Failing.how == "raises":
                raise ZeroDivisionError("no way on")
            reward = np.zeros(2) if Failing.how == "rewards" else reward
        return np.zeros(1, np.float32), reward, False, self.t >= 10, {}


gym.register(ID, entry_point=f"{__name__}:Failing")
SPLITS = {
    "train": {"list": [{"gain": 0.5}, {"gain": 2}]},
    "validation": {"list": [{"gain": 1}]},
    "interpolation": {"list": [{"gain": 1.5}]},
}
FILE = f"""
about: x
base: {ID}
features: {{gain: {{about: x, default: 1, train: [0.5, 2]}}}}
splits: {json.dumps(SPLITS)}
evaluation: {{episodes: 1}}
"""


@pytest.fixture(autouse=True)
def anew(no_figures: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(Failing, "steps", 0)
    monkeypatch.chdir(tmp_path)
    Path("failing.yaml").write_text(FILE)


def command(*more: str) -> list[str]:
    options = [*SMALL["ppo"], *COMMON, "checkpoint_every=512"]
    given = [part for option in options for part in ("--set", option)]
    return ["train", "hyper-ppo", "failing.yaml", "--steps", "2048", "--out", "run", *given, *more]


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("raises", r"ZeroDivisionError: no way on (test_early_ends.py, line "),
        ("rewards", "the reward has shape (2,); allowed: one number, or features that weigh reward.0, "),
    ],
)
def test_a_base_that_fails_in_mid_training_is_named(
    how: str, says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With status 1 and one line; the last checkpoint is kept, from which the run goes on."""
    monkeypatch.setattr(Failing, "how", how)
    assert main(command()) == 1
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith(f"hyperrl: error: run 'run': the base environment failed: {says}")
    assert err.endswith("; the checkpoint of 1,024 steps is kept; its traceback is in 'run/base-error.txt'\n")
    trace = Path("run/base-error.txt").read_text()
    assert ("ZeroDivisionError: no way on" if how == "raises" else "InterfaceError") in trace
    monkeypatch.setattr(Failing, "at", 10**9)
    assert main(["train", "--resume", "run"]) == 0
    assert json.loads(Path("run/status.json").read_text())["steps"] == 2048


def test_a_base_that_fails_at_once_leaves_no_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Failing, "how", "resets")
    assert main(command()) == 1
    assert "error: the base environment failed: ValueError: no start (" in capsys.readouterr().err
    assert not Path("run").exists()


def test_a_base_that_fails_in_an_evaluation_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Failing, "at", 10**9)
    assert main(command("--steps", "512")) == 0
    capsys.readouterr()
    monkeypatch.setattr(Failing, "at", 0)
    assert main(["evaluate", "run"]) == 1
    err = capsys.readouterr().err
    assert err.startswith("hyperrl: error: the base environment failed: ZeroDivisionError: no way on (")
    assert err.count("\n") == 1


def test_an_error_at_the_first_reset_is_never_hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever raises it, and whatever fails while its cause is looked for."""
    family = Family.load("ode")
    recipe = resolve(load_agent("hyper-ppo"), family.recipe, (*SMALL["ppo"], *COMMON))

    def fail(*_: Any, **__: Any) -> Any:
        raise ValueError("no first reset")

    monkeypatch.setattr("hyperrl.training.vec_env.BatchedVecEnv.reset", fail)
    with pytest.raises(ValueError, match="no first reset"):
        train(recipe, family, out=tmp_path / "one", steps=512)
    finite: Any = DivergenceGuard(Run.open(tmp_path / "one"), family)
    finite.model = "none whose weights can be looked at"
    with pytest.raises(ValueError, match="no first reset"), finite.explain_errors():
        fail()


class Elsewhere(Failing):
    """Fails in a process that is another's child."""

    @property
    def at(self) -> int:  # type: ignore[override]
        return 10**9 if parent_process() is None else 10


def test_the_traceback_of_another_process_is_kept(tmp_path: Path) -> None:
    family = contextualize(Elsewhere, {"gain": {"train": [0.5, 2.0]}}, splits=SPLITS)
    given = (*SMALL["ppo"], *COMMON, "n_envs=2", "subprocesses=1")
    recipe = resolve(load_agent("concat-ppo"), family.recipe, given)
    with pytest.raises(BaseEnvironmentError, match=r"ZeroDivisionError.*base-error.txt'$"):
        train(recipe, family, out=tmp_path / "run", steps=2048)
    trace = (tmp_path / "run" / "base-error.txt").read_text()
    assert 'raise ZeroDivisionError("no way on")' in trace
