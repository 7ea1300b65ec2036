"""`hyperrl train`: every option reaches the Python function that does the work."""

from pathlib import Path

import pytest

from hyperrl.cli import main
from hyperrl.extras import EXTRAS, TRACKERS
from hyperrl.recipes import load_agent
from hyperrl.store import Run
from tests.cli.calls import arguments_of, assert_defaults
from tests.store.conftest import run, spec

__all__ = ["run", "spec"]


@pytest.fixture(autouse=True)
def trackers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The extras of trackers are there."""
    for name in TRACKERS:
        monkeypatch.setitem(EXTRAS, name, "json")


def test_train(monkeypatch: pytest.MonkeyPatch, run: Run, tmp_path: Path) -> None:
    given = arguments_of(
        monkeypatch, "train", "hyper-ppo", "ode", "--steps", 64, "--seed", 5, "--set", "n_envs=2",
        "--set", "threads=2", "--out", tmp_path / "new", "--leave-out", "c0=1", "--from", run.path,
        "--keep", 3, "--detect-anomaly", "--device", "cuda:1", "--allow-import", "one",
        "--track", "mlflow", "--track", "wandb", "--track", "mlflow", "--freeze", "shared",
        "--context", "c0=2",
    )  # fmt: skip
    agent, family = given.pop("")
    assert (agent, family.name) == (load_agent("hyper-ppo"), "ode")
    assert given == {
        "steps": 64, "seed": 5, "overrides": ["n_envs=2", "threads=2"], "out": str(tmp_path / "new"),
        "leave_out": [{"c0": 1.0}],
        "from_run": str(run.path), "keep": 3, "detect_anomaly": True, "device": "cuda:1",
        "allow_import": ["one"], "track": ("mlflow", "wandb"), "freeze": "shared", "contexts": [{"c0": 2.0}],
        "sequence": [],
    }  # fmt: skip
    plain = arguments_of(monkeypatch, "train", "hyper-ppo", "ode")
    assert len(plain) == 15
    assert_defaults("train", plain)


def test_a_sequence_is_handed_over_in_its_order(monkeypatch: pytest.MonkeyPatch) -> None:
    tasks = ("--sequence", "c0=5", "--sequence", "c0=-5")
    assert arguments_of(monkeypatch, "train", "hyper-ppo", "ode", *tasks)["sequence"] == [
        {"c0": 5.0}, {"c0": -5.0},
    ]  # fmt: skip
    assert arguments_of(monkeypatch, "train", "hyper-ppo", "ode", "--sequence", 3)["sequence"] == 3


def test_a_sequence_does_not_go_with_resume(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--resume", str(run.path), "--sequence", "3"]) == 2
    assert "--sequence does not go with --resume" in capsys.readouterr().err


def test_resume(monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    options = (
        "--steps", 64, "--detect-anomaly", "--device", "cuda:1", "--allow-import", "one", "--track", "wandb"
    )  # fmt: skip
    plain = arguments_of(monkeypatch, "train", "--resume", run.path, function="resume")
    assert plain[""] == (str(run.path),)
    assert_defaults("resume", plain)
    assert arguments_of(monkeypatch, "train", "--resume", run.path, *options, function="resume") == {
        "": (str(run.path),), "steps": 64, "detect_anomaly": True, "device": "cuda:1",
        "allow_import": ["one"], "track": ("wandb",),
    }  # fmt: skip


@pytest.mark.parametrize("start", [("hyper-ppo", "ode"), ("--resume", "run")])
def test_a_tracker_that_is_unknown_or_not_installed_is_refused(
    start: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(EXTRAS, "mlflow", "no_such_package")
    assert main(["train", *start, "--track", "wand"]) == 2
    says = "hyperrl: error: --track: unknown tracker 'wand'; did you mean 'wandb'? known: wandb, mlflow\n"
    assert capsys.readouterr().err == says
    assert main(["train", *start, "--track", "wandb", "--track", "mlflow"]) == 2
    assert (
        capsys.readouterr().err
        == "hyperrl: error: --track mlflow needs an extra: pip install 'hyperrl[mlflow]'\n"
    )


def test_a_note_says_what_a_family_replaces_of_a_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("{about: Mine., steps: 1000, algorithm: {name: ppo}, policy: {kind: blind}}")
    arguments_of(monkeypatch, "train", file, "pendulum")
    says = "hyperrl: note: family 'pendulum' replaces the agent's steps 1000 by 200000; --set"
    assert says in capsys.readouterr().err
    arguments_of(monkeypatch, "train", file, "pendulum", "--steps", 1000)
    arguments_of(monkeypatch, "train", "hyper-ppo", "pendulum")
    assert "replaces" not in capsys.readouterr().err


def test_an_interrupted_user_is_shown_how_to_go_on_with_the_same_trackers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], run: Run
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("hyperrl.api.resume", interrupted)
    assert main(["train", "--resume", str(run.path), "--track", "wandb", "--track", "mlflow"]) == 130
    assert f"--resume {run.path} --track wandb --track mlflow" in capsys.readouterr().err


def test_nothing_of_a_runs_recipe_goes_with_resume(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    for option, value in (
        ("--seed", "0"), ("--set", "n_envs=2"), ("--leave-out", "c0=1"), ("--out", "x"), ("--from", "x"),
        ("--keep", "0"),
    ):  # fmt: skip
        assert main(["train", "--resume", str(run.path), option, value]) == 2
        assert f"{option} does not go with --resume" in capsys.readouterr().err
