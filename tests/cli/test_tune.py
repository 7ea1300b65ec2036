import json
from pathlib import Path
from typing import Any

import pytest

from hyperrl.cli import main
from hyperrl.experiments.tuning.report import TuningReport
from hyperrl.experiments.tuning.study import TrialRecord
from tests.cli.calls import arguments_of, assert_defaults
from tests.experiments.tuning.studies import plan
from tests.experiments.tuning.test_tuned import TRIALS


def test_options(monkeypatch: pytest.MonkeyPatch) -> None:
    given = arguments_of(
        monkeypatch, "tune", "hyper-ppo", "ode", "--trials", "1e2", "--jobs", 3, "--storage", "a.log",
        "--out", "o", "--steps", "5e3", "--seeds", 2, "--set", "n_envs=4", "--pruner", "hyperband",
        "--timeout", "1e3", "--force", "--json",
    )  # fmt: skip
    assert given == {
        "": ("hyper-ppo", "ode"), "trials": 100, "jobs": 3, "storage": "a.log", "out": "o", "steps": 5000,
        "seeds": 2, "overrides": ["n_envs=4"], "pruner": "hyperband", "timeout": 1000.0, "force": True,
    }  # fmt: skip
    assert_defaults("tune", arguments_of(monkeypatch, "tune", "hyper-ppo", "ode"))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["hyper-pop", "ode"], "unknown agent 'hyper-pop'; did you mean 'hyper-ppo'?"),
        (["hyper-ppo", "ode", "--trials", "0"], "--trials: found '0'; allowed: a whole number from 1 to"),
        (["hyper-ppo", "ode", "--timeout", "soon"], "--timeout: found 'soon'; allowed: a number of seconds"),
        (["hyper-ppo", "ode", "--pruner", "mean"], "--pruner: found 'mean'; did you mean 'median'?"),
        (["hyper-ppo", "ode", "--set", "search={algorithm.gama: {choices: [1, 2]}}"], "mean 'gamma'?"),
        (["hyper-ppo", "ode", "--storage", "nosql://x"], "--storage: found 'nosql://x', which cannot be"),
    ],
)  # fmt: skip
def test_mistakes(
    arguments: list[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["tune", *arguments]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert says in err


@pytest.fixture
def trials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[TrialRecord]:
    """What `api.tune` says of its trials."""
    found = list(TRIALS)

    def tune(*_: Any, **__: Any) -> TuningReport:
        done = any(trial.state == "finished" for trial in found)
        shares = {"algorithm.gamma": 0.75, "n_envs": 0.25} if done else {}
        tuned = tmp_path / "tuned.yaml" if done else None
        return TuningReport(plan(tmp_path), "a.log", tuple(found), shares, tuned)

    monkeypatch.setattr("hyperrl.api.tune", tune)
    return found


def test_the_tables(trials: list[TrialRecord], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tune", "concat-ppo", "my ode.yaml"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert [" ".join(line.split()) for line in out.splitlines()] == [
        "concat-ppo on ode: return on validation tasks, 1 run of 128 steps each",
        "5 trials: 3 finished, 1 pruned, 1 failed",
        "",
        "trial 1 trial 2 trial 0, as it is",
        "return -1 -1 -3",
        "algorithm.learning_rate 2e-05 - 0.0003",
        'policy.net_arch {"pi": [8], "vf": [4]} - -',
        "",
        "field importance",
        "algorithm.gamma 75%",
        "n_envs 25%",
        "",
        "trial 3 failed: None",
        "",
        f"runs {tmp_path}",
        "study a.log",
        f"found {tmp_path}/tuned.yaml",
        f"train hyperrl train {tmp_path}/tuned.yaml 'my ode.yaml'",
    ]


def test_json(trials: list[TrialRecord], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tune", "concat-ppo", "ode", "--json"]) == 0
    out, _ = capsys.readouterr()
    assert json.loads(out)["best"]["trial"] == 1


@pytest.mark.parametrize(("mistakes", "status"), [((True, True), 2), ((True, False), 1)])
def test_where_no_trial_finished_the_exit_status_says_whose_fault_it_is(
    mistakes: tuple[bool, ...], status: int, trials: list[TrialRecord], capsys: pytest.CaptureFixture[str]
) -> None:
    trials[:] = [TrialRecord(n, "failed", None, not n, (), "no oil", each) for n, each in enumerate(mistakes)]
    assert main(["tune", "concat-ppo", "ode"]) == status
    assert "trial 1 failed: no oil" in capsys.readouterr().out
