"""Trials whose runs a fake engine plays: what is tried, reported and stopped, and what a kill leaves."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from hyperrl.experiments import Job, Outcome
from hyperrl.experiments.jobs import CLAIM
from hyperrl.store.lock import locked
from tests.experiments.tuning.studies import (
    EVERY,
    Fake,
    Killed,
    better_rates,
    finish,
    narrow,
    opened,
    plan,
    rate,
    tune,
)


def test_the_first_trial_is_the_recipe_as_it_is(tmp_path: Path) -> None:
    with opened(plan(tmp_path)) as study:
        engine = Fake(better_rates)
        record = tune(study, engine, 3)
        found = study.records()
    assert [job.overrides[:-1] for job in engine.finished[:1]] == [study.plan.overrides]
    assert rate(engine.finished[0]) == 3e-4
    assert (found[0].own, found[0].overrides, found[0].value) == (True, (), 100 * 3e-4 * 4)
    assert [trial.state for trial in found] == ["finished"] * 3
    assert [trial.value for trial in found] == [400 * rate(job) for job in engine.finished]
    assert [job.folder for job in engine.finished] == [tmp_path / f"trial-{n}" / "seed-0" for n in range(3)]
    assert all(1e-4 <= rate(job) <= 1e-2 for job in engine.finished)
    assert len({rate(job) for job in engine.finished}) == 3
    assert record.of("planned")[0] == ("planned", 3, 0)
    assert record.of("planned")[-1] == ("planned", 3, 3)


def test_a_trial_counts_by_the_mean_over_its_seeds(tmp_path: Path) -> None:
    with opened(plan(tmp_path, seeds=3)) as study:
        engine = Fake(lambda job: [1.0, 1.0, 2.0, 10.0 * job.seed])
        record = tune(study, engine, 2)
        assert [trial.value for trial in study.records()] == [10.0, 10.0]
        reports = study.reports(0)
    assert [job.seed for job in engine.finished if job.folder.parent.name == "trial-1"] == [0, 1, 2]
    assert list(reports) == list(range(1, 13))
    assert [reports[step] for step in (1, 4, 7, 8, 12)] == [1, 0, 1, 5, 10]
    assert record.of("planned")[-1] == ("planned", 6, 6)


def test_a_trial_that_is_behind_is_stopped_early(tmp_path: Path) -> None:
    """The median of four finished trials; the fifth is worse from its first evaluation on."""
    with opened(plan(tmp_path), "median") as study:
        engine = Fake(lambda job: [0, 0, 0, 0] if job.name == "trial 4" else [1, 2, 3, 4])
        tune(study, engine, 6)
        found = study.records()
    assert [trial.state for trial in found] == ["finished"] * 4 + ["pruned", "finished"]
    assert [(job.name, number) for job, number in engine.stopped] == [("trial 4", 1)]
    assert found[4].value == 0
    assert not (tmp_path / "results" / "trial-4").exists()


def test_none_is_stopped_before_four_have_finished(tmp_path: Path) -> None:
    with opened(plan(tmp_path), "median") as study:
        tune(study, Fake(lambda job: [0, 0, 0, 0] if job.name == "trial 3" else [1, 2, 3, 4]), 4)
        assert [trial.state for trial in study.records()] == ["finished"] * 4


def test_the_recipe_as_it_is_runs_to_its_end(tmp_path: Path) -> None:
    with opened(plan(tmp_path, seeds=2), "hyperband") as study:
        engine = Fake(lambda job: [-9, -9, -9, -9] if job.name == "trial 0" else [1, 2, 3, 4])
        tune(study, engine, 4)
        assert study.records()[0].state == "finished"


def test_seeds_are_spent_on_those_that_are_not_behind(tmp_path: Path) -> None:
    with opened(plan(tmp_path, seeds=2), "median") as study:
        engine = Fake(lambda job: [1, 2, 3, 0 if job.name == "trial 4" else 4])
        tune(study, engine, 5)
        found = study.records()
    assert found[4].state == "pruned"
    assert [job.name for job in engine.finished] == [f"trial {n}" for n in range(4) for _ in range(2)]


class Deaf(Fake):
    """An engine whose runs end by themselves before they are stopped."""

    def _played(self, job: Job, reporter: Any, returns: Sequence[float]) -> Outcome:
        for number, best in enumerate(returns, start=1):
            reporter.validated(best, number * EVERY)
        finish(job, returns[-1])
        self.finished.append(job)
        return Outcome("finished")


def test_a_run_that_ends_although_its_trial_is_behind_is_the_trials_last(tmp_path: Path) -> None:
    with opened(plan(tmp_path, seeds=2), "median") as study:
        engine = Deaf(lambda job: [0, 0, 0, 0] if job.name == "trial 4" else [1, 2, 3, 4])
        tune(study, engine, 5)
        assert study.records()[4].state == "pruned"
    assert [job.seed for job in engine.finished if job.name == "trial 4"] == [0]


def test_a_trial_that_fails_is_noted_and_the_others_go_on(tmp_path: Path) -> None:
    broken = Outcome("failed", "weights are not finite", mistake=False)
    with opened(plan(tmp_path)) as study:
        record = tune(study, Fake(lambda job: broken if job.name == "trial 1" else better_rates(job)), 4)
        found = study.records()
    assert [trial.state for trial in found] == ["finished", "failed", "finished", "finished"]
    assert (found[1].error, found[1].mistake) == ("weights are not finite", False)
    assert ("ended", "trial 1 on ode, seed 0", "failed") in record.events


def test_values_that_do_not_go_together_fail_the_trial(tmp_path: Path) -> None:
    space = {"algorithm.n_steps": {"choices": [1, 16]}, "n_envs": {"choices": [1, 2]}}
    made = plan(tmp_path, agent=narrow(space), overrides=("algorithm.batch_size=2", "evaluate_every=32"))
    with opened(made) as study:
        tune(study, Fake(lambda _: [1.0]), 25)
        found = study.records()
    failed = [trial for trial in found if trial.state == "failed"]
    assert failed
    assert {trial.overrides for trial in failed} == {("algorithm.n_steps=1", "n_envs=1")}
    assert {trial.error for trial in failed} == {
        "overrides: algorithm.n_steps: found 1; allowed: n_steps * n_envs > 1 where advantages are normalized"
    }
    assert all(trial.mistake for trial in failed)


@pytest.mark.parametrize("validation", [None, float("nan"), float("-inf")])
def test_a_run_without_a_validation_return_fails(validation: float | None, tmp_path: Path) -> None:
    with opened(plan(tmp_path)) as study:
        tune(study, Unfinite(validation), 1)
        assert study.records()[0].error == "found no finite validation return"


class Unfinite(Fake):
    """An engine whose runs have that validation return."""

    def __init__(self, validation: float | None) -> None:
        super().__init__(lambda _: [math.nan])
        self.validation = validation

    def _played(self, job: Job, reporter: Any, returns: Sequence[float]) -> Outcome:
        reporter.validated(-math.inf, EVERY)
        finish(job, 0.0)
        result = {**json.loads(job.result.read_text()), "checkpoint": {"validation": self.validation}}
        job.result.write_text(json.dumps(result))
        return Outcome("finished")


@pytest.mark.parametrize("reports", range(0, 12))
def test_a_killed_study_goes_on_to_the_same_trials(reports: int, tmp_path: Path) -> None:
    """Killed after any number of reports, twice: nothing is lost, repeated or counted twice."""
    with opened(plan(tmp_path / "whole"), "median") as study:
        tune(study, Fake(better_rates), 3)
        whole = study.records()
    made = plan(tmp_path / "killed")
    for _ in range(2):
        with pytest.raises(Killed), opened(made, "median") as study:
            tune(study, Fake(better_rates, die_after=min(reports, 5)), 3)
    with opened(made, "median") as study:
        assert sum(trial.state == "running" for trial in study.records()) <= 1
        tune(study, Fake(better_rates), 3)
        assert study.records() == whole
        assert study.reports(0).keys() == {1, 2, 3, 4}


def test_a_result_that_was_not_stored_is_stored_and_the_run_not_repeated(tmp_path: Path) -> None:
    made = plan(tmp_path)
    with opened(made) as study:
        trial = study.ask()
        finish(made.job(trial.number, trial.overrides, 0), 7.5)
    with opened(made) as study:
        engine = Fake(better_rates)
        tune(study, engine, 1)
        assert (engine.finished, study.records()[0].value) == ([], 7.5)


def test_a_trial_that_was_behind_when_the_process_was_killed_is_stopped(tmp_path: Path) -> None:
    made = plan(tmp_path)
    with opened(made, "median") as study:
        tune(study, Fake(lambda job: [1, 2, 3, 4]), 4)
        study.ask().report(0.0, 1)
    with opened(made, "median") as study:
        engine = Fake(lambda job: [1, 2, 3, 4])
        tune(study, engine, 5)
        assert (engine.finished, study.records()[4].state) == ([], "pruned")


def test_runs_of_a_process_that_was_killed_are_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = plan(tmp_path)
    with opened(made) as study:
        trial = study.ask()
    job = made.job(trial.number, trial.overrides, 0)
    job.folder.mkdir(parents=True)
    claim = locked(job.folder, CLAIM)
    claim.__enter__()
    monkeypatch.setattr(
        "hyperrl.experiments.tuning.tuner.time.sleep", lambda _: claim.__exit__(None, None, None)
    )
    with opened(made) as study:
        record = tune(study, Fake(better_rates), 1)
        assert study.records()[0].state == "finished"
    assert record.of("waiting") == [("waiting", 1)]


def test_trials_of_other_machines_are_left_alone(tmp_path: Path) -> None:
    made = plan(tmp_path)
    with opened(made, home="there") as study:
        study.ask()
    with opened(made) as study:
        tune(study, Fake(better_rates), 3)
        assert [trial.state for trial in study.records()] == ["running", "finished", "finished"]
    with opened(made, home="there") as study:
        tune(study, Fake(better_rates), 3)
        assert [trial.state for trial in study.records()] == ["finished"] * 3


def test_an_interrupted_run_interrupts_the_study(tmp_path: Path) -> None:
    with opened(plan(tmp_path)) as study:
        with pytest.raises(KeyboardInterrupt):
            tune(study, Fake(lambda job: Outcome("interrupted")), 3)
        assert [trial.state for trial in study.records()] == ["running"]


def test_no_trial_begins_once_time_is_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("hyperrl.experiments.tuning.tuner.time.monotonic", lambda: now[0])

    def late(job: Job) -> list[float]:
        now[0] += 40
        return better_rates(job)

    with opened(plan(tmp_path)) as study:
        tune(study, Fake(late), 9, timeout=100)
        assert len(study.records()) == 3
        tune(study, Fake(late), 4)
        assert len(study.records()) == 4
