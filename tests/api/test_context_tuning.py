"""`tune_as_context` in Python, and `hyperrl tune --as-context`."""

import json
from pathlib import Path

import pytest

from hyperrl import api
from hyperrl.cli import main
from hyperrl.recipes import load_agent
from hyperrl.store import Run
from tests.cli.calls import arguments_of
from tests.runs import SMALL, message

SEARCH = "search={algorithm.gamma: {choices: [0.5, 0.9]}}"


def test_one_run_learns_all_values_and_the_best_becomes_a_recipe(tmp_path: Path) -> None:
    out = tmp_path / "tuned"
    overrides = [*SMALL, "policy.net_arch=[4]", SEARCH]
    report = api.tune_as_context("hyper-ppo", "ode", out=out, steps=64, seeds=2, overrides=overrides)
    assert [record.values["gamma"] for record in report.records] == [0.5, 0.9, 0.99]
    assert all(len(record.returns) == 2 for record in report.records)
    runs = [Run.open(path) for path in report.runs]
    assert [run.spec.seed for run in runs] == [0, 1]
    assert runs[0].spec.family.features["gamma"].hyperparameter == "gamma"
    tuned = load_agent(str(report.tuned))
    best = report.best_first[0]
    assert tuned.algorithm.gamma == best.values["gamma"]
    assert tuned.tuned_on == "ode"
    assert best.mean == max(record.mean for record in report.records)
    text = report.tuned.read_text()
    assert text.startswith("# Found by: hyperrl tune hyper-ppo ode --as-context --seeds 2 --steps 64")
    assert "exists already" in message(api.tune_as_context, "hyper-ppo", "ode", out=out)


def test_a_blind_agent_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert "blind to contexts" in message(api.tune_as_context, "blind-ppo", "ode", out=out)
    assert not out.exists()


def test_the_command_hands_its_options_over(monkeypatch: pytest.MonkeyPatch) -> None:
    given = arguments_of(
        monkeypatch, "tune", "hyper-ppo", "ode", "--as-context", "--out", "o", "--steps", "100", "--seeds",
        2, "--set", "n_envs=4", "--force", function="tune_as_context",
    )  # fmt: skip
    assert given == {
        "": ("hyper-ppo", "ode"), "out": "o", "steps": 100, "seeds": 2, "overrides": ["n_envs=4"],
        "force": True,
    }  # fmt: skip


def test_the_command_shows_the_values_from_the_best_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fields = [part for field in (*SMALL, "policy.net_arch=[4]", SEARCH) for part in ("--set", field)]
    command = ["tune", "hyper-ppo", "ode", "--as-context", "--steps", "32", *fields]
    assert main([*command, "--out", str(tmp_path / "a")]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert (
        shown[0] == "hyper-ppo on ode: return on validation tasks, 1 run of 32 steps that learned all values"
    )
    assert shown[2].split() == ["gamma", "return"]
    returns = [float(line.split()[1]) for line in shown[3:6]]
    assert returns == sorted(returns, reverse=True)
    assert main([*command, "--json", "--out", str(tmp_path / "b")]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["best"]["mean"] == max(each["mean"] for each in found["values"])
