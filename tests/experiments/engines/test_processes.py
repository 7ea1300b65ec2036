"""Runs in processes of their own: whole, killed, stopped, claimed by two."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from hyperrl.errors import on_command_line
from hyperrl.experiments import Outcome, run_suite
from hyperrl.experiments.engines.base import check_cores
from hyperrl.experiments.engines.processes import OUTPUT, ProcessEngine
from hyperrl.experiments.results import read_result
from hyperrl.experiments.work import ERROR
from hyperrl.store import Run, RunSpec
from tests.experiments.commands import (
    command,
    numbers,
    stop_with_checkpoints,
    suite_folder,
    wait_for_steps,
)
from tests.experiments.suites import Record, broken_family, jobs
from tests.runs import message


def test_a_process_that_dies_ends_no_other(tmp_path: Path) -> None:
    family = broken_family(tmp_path, "import os; print('no oil', flush=True); os.kill(os.getpid(), 9)")
    planned = jobs(tmp_path, {"agents": ["blind-ppo"], "families": [family, "ode"]})
    record = Record()
    (failure,) = run_suite(planned, ProcessEngine(2, 2), record)
    assert failure.job == planned[0]
    assert failure.message.startswith(
        "its process was ended by the signal SIGKILL, perhaps as memory ran out"
    )
    assert "SIGKILL" in (planned[0].folder / ERROR).read_text()
    assert "no oil" in (planned[0].folder / OUTPUT).read_text()
    assert read_result(planned[1]) is not None
    assert [event for event in record.of("steps") if event[1] == 64]


def test_messages_of_runs_name_options_where_the_command_does(tmp_path: Path) -> None:
    (job,) = jobs(tmp_path, {"agents": ["blind-ppo"]})
    with Run.create(job.folder, RunSpec.now(job.agent, job.family, seed=9, steps=64)):
        pass
    with on_command_line():
        (failure,) = run_suite([job], ProcessEngine(2, 2), Record())
    assert failure.mistake
    assert failure.message.endswith("remove it, or name another folder with --out")


def test_a_run_of_more_cores_than_there_are_is_refused(tmp_path: Path) -> None:
    planned = jobs(tmp_path, {}, {"seeds": [7], "overrides": ["threads=3"]})
    check_cores(planned, 3, "this machine")
    assert message(check_cores, planned, 2, "this machine") == (
        "suite 'tiny': hyper-ppo on ode, seed 7: found 3 threads or processes; allowed: at most 2, the cores"
        " of this machine"
    )


def test_runs_never_take_more_cores_than_there_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of fake processes, which end in the order of their starts."""
    running: list[Any] = []
    most = []

    class FakeWorker:
        def __init__(self, job: Any, messages: Any, reporter: Any) -> None:
            self.job = job
            running.append(job)
            most.append((sum(each.cores for each in running), len(running)))
            messages.put((self, None))

        def end(self) -> Outcome:
            running.remove(self.job)
            return Outcome("finished")

    monkeypatch.setattr("hyperrl.experiments.engines.processes.Worker", FakeWorker)
    planned = jobs(tmp_path, {"seeds": 3}, {"seeds": [7], "overrides": ["threads=3"]}, {"seeds": [8]})
    engine = ProcessEngine(cores=4, jobs=3)
    ended = [job for job, _ in engine.run(iter(planned), Record())]
    assert ended == planned
    assert (max(cores for cores, _ in most), max(count for _, count in most)) == (4, 3)


class Stopped(Record):
    """A reporter that has its run stopped after its first evaluation but that of the untrained agent."""

    stop = False

    def validated(self, best: float, steps: int) -> None:
        super().validated(best, steps)
        self.stop = steps > 0


def test_a_reporter_may_have_its_run_stopped(tmp_path: Path) -> None:
    """At a safe point, from which it goes on; the planned steps would take hours."""
    (job,) = jobs(tmp_path, {"agents": ["blind-ppo"], "steps": 10**9})
    record = Stopped()
    ((ended, outcome),) = ProcessEngine(2, 2).run(iter([job]), record)
    assert (ended, outcome) == (job, Outcome("interrupted"))
    state = json.loads((job.folder / "status.json").read_bytes())
    assert (state["state"], record.of("validation")[1][2]) == ("interrupted", 64)
    assert 64 <= state["steps"] < 10**6
    assert read_result(job) is None


@pytest.mark.slow
def test_a_killed_suite_goes_on_to_the_same_table(tmp_path: Path) -> None:
    folder = suite_folder(tmp_path / "killed", 4096)
    for least in (512, 2048):
        process = command(folder)
        wait_for_steps(process, folder, least)
        process.kill()
        process.communicate()
    out, err = command(folder).communicate()
    runs = [json.loads(file.read_bytes()) for file in folder.glob("out/results/*/*/*.json")]
    assert all(run["resumed"] >= 1 for run in runs), err
    undisturbed, _ = command(suite_folder(tmp_path / "undisturbed", 4096)).communicate()
    assert numbers(json.loads(out)) == numbers(json.loads(undisturbed))


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_suite_stops_all_its_runs_with_checkpoints(number: signal.Signals, tmp_path: Path) -> None:
    stop_with_checkpoints(number, tmp_path / "stopped")


@pytest.mark.slow
def test_two_of_the_same_suite_share_the_runs(tmp_path: Path) -> None:
    folder = suite_folder(tmp_path / "two", 2048)
    both = [command(folder, "--jobs", "1") for _ in range(2)]
    reports = [json.loads(process.communicate(timeout=600)[0]) for process in both]
    assert numbers(reports[0]) == numbers(reports[1])
    assert reports[0]["finished"] == 2
    runs = [json.loads(file.read_bytes()) for file in folder.glob("out/results/*/*/*.json")]
    assert [run["resumed"] for run in runs] == [0, 0]
