"""`hyperrl train`: every option reaches the Python function that does the work."""

from pathlib import Path

import pytest

from hyperrl.cli import main
from hyperrl.recipes import load_agent
from hyperrl.store import Run
from tests.cli.calls import arguments_of, assert_defaults
from tests.store.conftest import run, spec

__all__ = ["run", "spec"]


def test_train(monkeypatch: pytest.MonkeyPatch, run: Run, tmp_path: Path) -> None:
    given = arguments_of(
        monkeypatch, "train", "hyper-ppo", "ode", "--steps", 64, "--seed", 5, "--set", "n_envs=2",
        "--set", "threads=2", "--out", tmp_path / "new", "--leave-out", "c0=1", "--from", run.path,
        "--keep", 3, "--detect-anomaly", "--device", "cuda:1", "--allow-import", "one",
    )  # fmt: skip
    agent, family = given.pop("")
    assert (agent, family.name) == (load_agent("hyper-ppo"), "ode")
    assert given == {
        "steps": 64, "seed": 5, "overrides": ["n_envs=2", "threads=2"], "out": str(tmp_path / "new"),
        "leave_out": [{"c0": 1.0}],
        "from_run": str(run.path), "keep": 3, "detect_anomaly": True, "device": "cuda:1",
        "allow_import": ["one"],
    }  # fmt: skip
    plain = arguments_of(monkeypatch, "train", "hyper-ppo", "ode")
    assert len(plain) == 11
    assert_defaults("train", plain)


def test_resume(monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    options = ("--steps", 64, "--detect-anomaly", "--device", "cuda:1", "--allow-import", "one")
    plain = arguments_of(monkeypatch, "train", "--resume", run.path, function="resume")
    assert plain[""] == (str(run.path),)
    assert_defaults("resume", plain)
    assert arguments_of(monkeypatch, "train", "--resume", run.path, *options, function="resume") == {
        "": (str(run.path),), "steps": 64, "detect_anomaly": True, "device": "cuda:1",
        "allow_import": ["one"],
    }  # fmt: skip


def test_nothing_of_a_runs_recipe_goes_with_resume(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    for option, value in (
        ("--seed", "0"), ("--set", "n_envs=2"), ("--leave-out", "c0=1"), ("--out", "x"), ("--from", "x"),
        ("--keep", "0"),
    ):  # fmt: skip
        assert main(["train", "--resume", str(run.path), option, value]) == 2
        assert f"{option} does not go with --resume" in capsys.readouterr().err
