"""The runs of a suite, made one after the other in this process."""

import json
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from hyperrl.experiments import Job, Monitor, Outcome, SuiteReport, bench, run_suite
from hyperrl.experiments.bench import Failure
from hyperrl.experiments.jobs import CLAIM
from hyperrl.experiments.results import FORMAT, task_rows, write_result
from hyperrl.store.lock import locked
from tests.experiments.suites import Record, Serial, broken_family, jobs


class Fake:
    """An engine whose runs end at once, as they are told to; those that finish leave an empty result."""

    def __init__(self, **outcomes: list[Outcome]) -> None:
        self.outcomes, self.closed = outcomes, False

    def run(self, jobs: Iterator[Job], monitor: Monitor) -> Generator[tuple[Job, Outcome], None, None]:
        try:
            for job in jobs:
                monitor.started(job)
                outcome = self.outcomes.get(f"seed_{job.seed}", [Outcome("finished")]).pop(0)
                if outcome.state == "finished":
                    finish(job)
                yield job, outcome
        finally:
            self.closed = True


def finish(job: Job) -> None:
    splits = {"train": task_rows([])}
    which = {"format": FORMAT, "digest": job.digest, "seed": job.seed, "steps": 64}
    write_result(job, {**which, "features": [], "splits": splits})


@pytest.fixture
def planned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Job]:
    """Four runs, and nobody sleeps."""
    monkeypatch.setattr(bench, "_POLL", 0.0)
    return jobs(tmp_path, {"agents": ["hyper-ppo"], "seeds": 4})


def test_one_failed_run_ends_no_other(tmp_path: Path, no_figures: None) -> None:
    family = broken_family(tmp_path)
    planned = jobs(tmp_path, {"agents": ["blind-ppo"], "families": [family, "ode"]})
    record = Record()
    (failure,) = run_suite(planned, Serial(), record)
    assert record.of("planned", "started", "ended") == [
        ("planned", 2, 0),
        ("started", "blind-ppo on broken, seed 0"), ("ended", "blind-ppo on broken, seed 0", "failed"),
        ("started", "blind-ppo on ode, seed 0"), ("ended", "blind-ppo on ode, seed 0", "finished"),
    ]  # fmt: skip
    assert (failure.job, failure.mistake) == (planned[0], False)
    report = SuiteReport("tiny", tmp_path / "out", tmp_path / "results", tuple(planned), (failure,)).to_json()
    assert (report["runs"], report["finished"]) == (2, 1)
    assert report["failed"][0]["run"] == str(planned[0].folder)
    assert "no oil" in report["failed"][0]["error"]
    assert [row["runs"] for row in report["table"]] == [0, 1]
    assert set(report["table"][1]["splits"]) == {"train", "validation", "interpolation", "extrapolation"}
    assert json.loads(json.dumps(report, allow_nan=False)) == report


def test_what_has_a_result_is_not_made_again(planned: list[Job]) -> None:
    finish(planned[2])
    record = Record()
    assert run_suite(planned, Fake(), record) == []
    assert record.of("planned", "started") == [
        ("planned", 4, 1), *(("started", planned[place].label) for place in (0, 1, 3))
    ]  # fmt: skip
    again = Record()
    assert run_suite(planned, Fake(), again) == []
    assert again.events == [("planned", 4, 4)]


def test_what_another_process_works_on_is_waited_for(planned: list[Job]) -> None:
    """One is claimed at first, one at its start; they are made where the other process does not."""
    planned[0].folder.mkdir(parents=True)
    record = Record()
    claim = locked(planned[0].folder, CLAIM)
    claim.__enter__()

    class Waiting(Record):
        def waiting(self, jobs: int) -> None:
            super().waiting(jobs)
            if len(self.of("waiting")) == 2:
                claim.__exit__(None, None, None)
            if len(self.of("waiting")) == 3:
                finish(planned[1])

    record = Waiting()
    engine = Fake(seed_1=[Outcome("busy")] * 9)
    assert run_suite(planned, engine, record) == []
    assert [event[1] for event in record.of("waiting")] == [2, 2, 1]
    assert [event for event in record.of("ended") if event[1] == planned[0].label] == [
        ("ended", planned[0].label, "finished")
    ]


def test_an_interrupted_run_interrupts_all(planned: list[Job]) -> None:
    engine = Fake(seed_1=[Outcome("interrupted")])
    record = Record()
    with pytest.raises(KeyboardInterrupt):
        run_suite(planned, engine, record)
    assert engine.closed
    assert len(record.of("started")) == 2


def test_failures_tell_whose_they_are(planned: list[Job]) -> None:
    mistake, fault = Outcome("failed", "wrong", mistake=True), Outcome("failed", "broken")
    found = run_suite(planned, Fake(seed_0=[mistake], seed_3=[fault]), Record())
    assert found == [Failure(planned[0], "wrong", True), Failure(planned[3], "broken", False)]
