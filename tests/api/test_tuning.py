"""`hyperrl.tune`: real runs in this process, or in processes that are killed; what is refused before any."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import hyperrl
from hyperrl.api import tuning
from hyperrl.errors import BaseEnvironmentError
from hyperrl.experiments import Outcome, open_engine
from hyperrl.experiments.engines.base import Engine
from hyperrl.recipes import load_agent, load_family, parse_family, resolve
from hyperrl.store import Run
from hyperrl.store.lock import locked
from hyperrl.training.callbacks import validation_return
from tests.experiments.suites import Serial, broken_family
from tests.experiments.tuning.studies import OVERRIDES, Fake, better_rates, narrow
from tests.runs import message

NARROW = """
about: Small networks, trained for a moment.
algorithm: {name: ppo, n_steps: 16, batch_size: 32, n_epochs: 2}
policy: {kind: concat, net_arch: [8]}
n_envs: 2
evaluate_every: 32
checkpoint_every: 64
search: {algorithm.learning_rate: {low: 1e-4, high: 1e-2, log: true}}
"""


def replace_engine(monkeypatch: pytest.MonkeyPatch, engine: Engine) -> None:
    """Have another engine make the runs, once the one of processes could be opened."""

    @contextmanager
    def opened(*given: Any) -> Iterator[Engine]:
        with open_engine(*given):
            yield engine

    monkeypatch.setattr(tuning, "open_engine", opened)


@pytest.fixture
def serial(monkeypatch: pytest.MonkeyPatch) -> None:
    replace_engine(monkeypatch, Serial())


@pytest.mark.usefixtures("serial", "no_figures")
def test_trials_count_by_what_their_runs_recorded(tmp_path: Path) -> None:
    """The validation return by which each run chose its best weights, and nothing of the other splits."""
    report = hyperrl.tune(narrow(), "ode", trials=2, seeds=2, steps=96, overrides=OVERRIDES, out=tmp_path)
    for trial in report.trials:
        runs = [Run.open(tmp_path / f"trial-{trial.number}" / f"seed-{seed}") for seed in range(2)]
        chosen = [validation_return(run) for run in runs]
        curves = [[row["validation"] for row in run.history("zero_shot/").values()] for run in runs]
        assert chosen == [max(curve) for curve in curves]
        assert trial.value == (chosen[0] + chosen[1]) / 2  # type: ignore[operator]
    assert Run.open(tmp_path / "trial-0" / "seed-1").spec.overrides == (*OVERRIDES, "steps=96")
    best = max(report.trials, key=lambda trial: trial.value or 0)
    assert report.best == best
    assert report.tuned == tmp_path / "tuned.yaml"
    tuned = load_agent(str(report.tuned))
    then = Run.open(tmp_path / f"trial-{best.number}" / "seed-0").spec.agent
    now = resolve(tuned, load_family("ode"), ["steps=96"])
    same = {"name": "", "about": "", "tuned_on": None}
    assert now.model_copy(update=same) == then.model_copy(update=same)
    run = hyperrl.train(str(report.tuned), "ode", steps=64, out=tmp_path / "again")
    assert run.spec.agent.algorithm == then.algorithm


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Fake:
    engine = Fake(better_rates)
    replace_engine(monkeypatch, engine)
    return engine


def test_a_study_goes_on_with_force_alone(
    fake: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    given: dict[str, Any] = {"steps": 128, "overrides": OVERRIDES}
    first = hyperrl.tune(narrow(), "ode", trials=2, **given)
    assert first.plan.out == Path("runs/tune/ode/concat-ppo")
    assert first.storage == "runs/tune/ode/concat-ppo/journal.log"
    text = Path("runs/tune/ode/concat-ppo/tuned.yaml").read_text()
    assert message(hyperrl.tune, narrow(), "ode", trials=3, **given) == (
        "out 'runs/tune/ode/concat-ppo/tuned.yaml': exists already; name another folder with out, or replace"
        " it with force=True, with which the study also goes on"
    )
    assert Path("runs/tune/ode/concat-ppo/tuned.yaml").read_text() == text
    second = hyperrl.tune(narrow(), "ode", trials=3, force=True, **given)
    assert second.trials[:2] == first.trials
    assert len(second.trials) == len(fake.finished) == 3


def test_progress_and_storage(fake: Fake, tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    url = f"sqlite:///{tmp_path}/study.db"
    report = hyperrl.tune(
        narrow(), load_family("ode"), trials=2, steps=128, overrides=OVERRIDES, out=tmp_path / "out",
        storage=url, progress=lambda done, total: calls.append((done, total)),
    )  # fmt: skip
    assert (report.storage, calls[0], calls[-1]) == (url, (0, 2), (2, 2))


def test_nothing_is_found_where_no_trial_finishes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Fake(lambda _: Outcome("failed", "no oil"))
    replace_engine(monkeypatch, engine)
    report = hyperrl.tune(narrow(), "ode", trials=2, steps=128, overrides=OVERRIDES, out=tmp_path / "out")
    assert (report.best, report.tuned, report.count("failed")) == (None, None, 2)
    assert not (tmp_path / "out" / "tuned.yaml").exists()


def test_two_at_once_in_one_folder_are_refused(fake: Fake, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    with locked(out, "tune.lock"):
        line = message(hyperrl.tune, narrow(), "ode", overrides=OVERRIDES, out=out)
    assert line.startswith(f"study '{out}': another process ({os.getpid()}) is writing to it;")
    assert not fake.finished


ODE = load_family("ode").model_dump(mode="json", by_alias=True)
CUSTOM = {"base": "hyperrl-custom/x-v0", "oracle": None}
WITHOUT = {**ODE["splits"], "validation": []}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"agent": "hyper-pop"}, "unknown agent 'hyper-pop'; did you mean 'hyper-ppo'?"),
        ({"family": "odd"}, "unknown family 'odd'; did you mean 'ode-da'?"),
        ({"agent": "hyper-dqn"}, "agent 'hyper-dqn': the algorithm 'dqn' is for discrete actions"),
        ({"trials": 0}, "trials: found 0; allowed: a whole number from 1 to 1,000,000"),
        ({"seeds": 1001}, "seeds: found 1001; allowed: a whole number from 1 to 1,000"),
        ({"steps": -1}, "steps: found -1; allowed: a whole number from 1"),
        ({"jobs": 0}, "jobs: found 0; allowed: a whole number from 1 to 10,000"),
        ({"pruner": "mean"}, "pruner: found 'mean'; did you mean 'median'? allowed: 'median', 'hyperband'"),
        ({"timeout": 0}, "timeout: found 0; allowed: a number, above 0, or None"),
        ({"storage": 3}, "storage: found 3; allowed: a file, or the URL of a database, or None"),
        ({"overrides": ["threads=9999"]}, "overrides: threads: found 9999; allowed: a number <= 1024"),
        ({"overrides": ["threads=1000"]}, "trial 0 on ode, seed 0: found 1000 threads or processes"),
        ({"agent": narrow(), "overrides": ["algorithm.learning_rate=1e-3"]}, "found nothing to search"),
        ({"family": parse_family({**ODE, "splits": WITHOUT}, "f")}, "found no task in the split validation"),
        ({"family": parse_family({**ODE, **CUSTOM}, "f")}, "found one that was made in Python"),
        ({"trails": 3}, "tune: unknown argument 'trails'; did you mean 'trials'?"),
    ],
)  # fmt: skip
def test_mistakes_are_found_before_anything_is_written(
    arguments: dict[str, Any], says: str, fake: Fake, tmp_path: Path
) -> None:
    given = {"agent": "concat-ppo", "family": "ode", "out": tmp_path / "out", **arguments}
    assert says in message(hyperrl.tune, given.pop("agent"), given.pop("family"), **given)
    assert not (tmp_path / "out").exists()
    assert not fake.finished


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(hyperrl.extras.EXTRAS, "tune", "no_such_package")
    assert message(hyperrl.tune, "hyper-ppo", "ode") == "tune needs an extra: pip install 'hyperrl[tune]'"


def test_an_environment_that_fails_at_once_is_reported_at_once(fake: Fake, tmp_path: Path) -> None:
    path = tmp_path / Path(broken_family(tmp_path)).name
    with pytest.raises(BaseEnvironmentError, match="no oil"):
        hyperrl.tune(narrow(), str(path), trials=1, steps=64, overrides=OVERRIDES, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def command(folder: Path) -> "subprocess.Popen[str]":
    arguments = ["narrow.yaml", "ode", "--trials", "3", "--steps", "512", "--seeds", "2", "--out", "out"]
    return subprocess.Popen(
        [sys.executable, "-m", "hyperrl", "tune", *arguments, "--json"], cwd=folder, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": os.getcwd()},
    )  # fmt: skip


def entries(folder: Path) -> int:
    journal = folder / "out" / "journal.log"
    return journal.read_bytes().count(b"\n") if journal.exists() else 0


@pytest.mark.slow
def test_a_killed_study_goes_on_to_the_same_trials(tmp_path: Path) -> None:
    """By SIGKILL, after a few more entries in its journal each time, whatever they are."""
    (tmp_path / "narrow.yaml").write_text(NARROW)
    for more in (2, 7, 13):
        before, process = entries(tmp_path), command(tmp_path)
        while process.poll() is None and entries(tmp_path) < before + more:
            time.sleep(0.01)
        process.kill()
        process.communicate()
    out, err = command(tmp_path).communicate()
    found = json.loads(out)
    assert [trial["state"] for trial in found["trials"]] == ["finished"] * 3, err
    whole = tmp_path / "whole"
    whole.mkdir()
    (whole / "narrow.yaml").write_text(NARROW)
    undisturbed = json.loads(command(whole).communicate()[0])
    assert found["trials"][0] == undisturbed["trials"][0]
    for trial in found["trials"]:
        folder = tmp_path / "out" / f"trial-{trial['trial']}"
        chosen = [validation_return(Run.open(folder / f"seed-{seed}")) for seed in range(2)]
        assert trial["validation"] == (chosen[0] + chosen[1]) / 2  # type: ignore[operator]


@pytest.mark.slow
def test_a_run_that_is_behind_is_stopped(tmp_path: Path) -> None:
    """Of seven trials with learning rates of all kinds: with a checkpoint, and without a result.

    How early depends on how fast so short a run is; test_processes.py stops one of a billion steps.
    """
    report = hyperrl.tune(
        narrow(algorithm={"name": "ppo", "n_steps": 16, "batch_size": 64, "n_epochs": 4}), "ode", trials=7,
        steps=4000, overrides=["n_envs=8", "evaluate_every=250"], out=tmp_path / "out", jobs=1,
    )  # fmt: skip
    pruned = [trial for trial in report.trials if trial.state == "pruned"]
    assert pruned, [trial.value for trial in report.trials]
    for trial in pruned:
        run = Run.open(tmp_path / "out" / f"trial-{trial.number}" / "seed-0")
        assert run.status.state == "interrupted"
        assert not (tmp_path / "out" / "results" / f"trial-{trial.number}").exists()
        curve = [row["validation"] for row in run.history("zero_shot/").values()]
        assert trial.value in [max(curve[: end + 1]) for end in range(len(curve))]
