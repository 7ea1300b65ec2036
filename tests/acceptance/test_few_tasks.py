"""Families without held-out tasks, and one task left out: whatever follows a training copes with it."""

import json
from pathlib import Path

import pytest

from hyperrl.cli import main
from hyperrl.evaluation.playback import tasks_to_watch
from hyperrl.store import Run
from hyperrl.tasks import Family

ROBOTS = """
about: four of them
base: hyperrl-base/ode-v0
features: {c0: {about: strength, default: 1, train: [-5, 5], values: [-5, -1, 1, 5]}}
evaluation: {episodes: 1, options: {x: 1}}
"""
BRIEF = [
    "--steps=64",
    *("--set=n_envs=2", "--set=algorithm.n_steps=32", "--set=algorithm.batch_size=32"),
    "--set=policy.net_arch=[8]",
]


@pytest.fixture
def robots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("robots.yaml").write_text(ROBOTS)


@pytest.mark.usefixtures("robots")
def test_a_family_without_held_out_tasks(capsys: pytest.CaptureFixture[str]) -> None:
    """No best checkpoint, which is said; no rows of splits that have no tasks; all commands go on."""
    assert main(["train", "hyper-ppo", "robots.yaml", *BRIEF]) == 0
    printed = capsys.readouterr().out
    assert "no task is held out for validation: these are the latest weights" in printed
    run = Run.open("runs/robots/hyper-ppo/seed-0")
    assert run.checkpoints() == ["latest"]
    assert list(json.loads((run.path / "evaluations/final.json").read_text())["splits"]) == ["train"]
    assert set(run.last_values("zero_shot/")) == {"train"}
    assert main(["evaluate", str(run.path), "--json"]) == 0
    assert list(json.loads(capsys.readouterr().out)["splits"]) == ["train"]
    assert main(["evaluate", str(run.path), "--split", "validation"]) == 2
    assert "no task to evaluate in splits validation; allowed: train" in capsys.readouterr().err
    assert len(tasks_to_watch(Family(run.spec.family), [])) == 4
    assert main(["list", "runs"]) == 0
    assert "validation" not in capsys.readouterr().out
    assert main(["train", "--resume", str(run.path), "--steps", "100"]) == 0
    assert "seed 0: 128 steps (100 planned, rounded up to whole rollouts)\n" in capsys.readouterr().out


@pytest.mark.usefixtures("robots")
def test_a_robot_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    """It is never played in training, and it is what the run reports as interpolation."""
    assert main(["train", "hyper-ppo", "robots.yaml", *BRIEF, "--leave-out", "c0=5"]) == 0
    run = Run.open("runs/robots/hyper-ppo/without-c0=5/seed-0")
    family = Family(run.spec.family)
    assert family.tasks("train") == [{"c0": -5}, {"c0": -1}, {"c0": 1}]
    final = json.loads((run.path / "evaluations/final.json").read_text())
    assert [task["context"] for task in final["tasks"] if task["split"] == "interpolation"] == [{"c0": 5}]
    assert set(run.last_values("train_task/")) <= {"c0=-5", "c0=-1", "c0=1"}
    capsys.readouterr()
    for option, says in (
        ("c0=2", "found c0=2, which no training task has; allowed: c0=-5; c0=-1; c0=1; c0=5"),
        ("c0", "--leave-out 'c0': 'c0' is not of the form FEATURE=NUMBER"),
    ):
        assert main(["train", "hyper-ppo", "robots.yaml", *BRIEF, "--leave-out", option]) == 2
        assert says in capsys.readouterr().err
