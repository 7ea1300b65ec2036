"""Runs on a machine that sees the suite's folders, and on one that does not; the depot is called directly."""

import json
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hyperrl.errors import user_syntax
from hyperrl.experiments import Job, Outcome
from hyperrl.experiments.engines import remote
from hyperrl.experiments.engines.depot import CHUNK, Depot, Site
from hyperrl.experiments.engines.processes import OUTPUT
from hyperrl.experiments.engines.remote import Call, make_run
from hyperrl.experiments.jobs import CLAIM
from hyperrl.experiments.results import read_result
from hyperrl.experiments.work import ERROR
from hyperrl.store import Run
from hyperrl.store.lock import locked
from tests.experiments.suites import broken_family, jobs


def calls(depot: Depot) -> Call:
    return lambda method, *arguments: getattr(depot, method)(*arguments)


def one_job(folder: Path, **block: Any) -> Job:
    return jobs(folder, {"agents": ["blind-ppo"], **block})[0]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    mark = tmp_path / "mark"
    mark.write_text("here")
    return Site(tmp_path, {mark: "here"})


@pytest.fixture
def elsewhere(site: Site) -> Site:
    """The same, as a machine knows it that has another file of the mark's name."""
    return Site(site.folder, dict.fromkeys(site.marks, "there"))


def test_marks_tell_whether_folders_are_visible(site: Site, elsewhere: Site, tmp_path: Path) -> None:
    assert site.is_here
    assert not elsewhere.is_here
    assert not Site(tmp_path, {**site.marks, tmp_path / "gone": ""}).is_here


class FakeWorker:
    """A process that ends at once, with an outcome, a result and two files; it finds the files of before."""

    outcome = Outcome("finished")
    found: tuple[str, ...] = ()

    def __init__(self, job: Job, messages: Any, reporter: Any) -> None:
        self.job, self.process = job, self
        job.folder.mkdir(parents=True, exist_ok=True)
        FakeWorker.found = tuple(sorted(path.name for path in job.folder.iterdir()))
        (job.folder / "best").write_bytes(b"x" * CHUNK)
        (job.folder / "none").touch()
        if self.outcome.state == "finished":
            job.result.write_text("{}")
        messages.put((self, ["steps", 1, 2]))
        messages.put((self, None))

    def wait(self, timeout: float | None = None) -> None: ...

    def close(self) -> None: ...

    def end(self) -> Outcome:
        return self.outcome


def test_files_go_to_a_folder_of_the_machine_and_come_back(
    elsewhere: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "Worker", FakeWorker)
    job, depot = one_job(tmp_path), Depot()
    job.folder.mkdir(parents=True)
    (job.folder / "latest").write_bytes(b"y" * (CHUNK + 1))
    assert make_run(job, 1, elsewhere, calls(depot)) == Outcome("finished")
    assert FakeWorker.found == ("latest",)
    sizes = {name: (job.folder / name).stat().st_size for name in depot.files(job.folder)}
    assert sizes == {"best": CHUNK, "latest": CHUNK + 1, "none": 0}
    assert job.result.read_text() == "{}"
    assert depot.take() == [(1, ["started"]), (1, ["steps", 1, 2])]


def test_a_failure_elsewhere_names_the_suites_folder(
    elsewhere: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Failing(FakeWorker):
        def end(self) -> Outcome:
            return Outcome("failed", f"see '{self.job.folder}/{OUTPUT}'")

    monkeypatch.setattr(remote, "Worker", Failing)
    job = one_job(tmp_path)
    assert make_run(job, 1, elsewhere, calls(Depot())).message == f"see '{job.folder}/{OUTPUT}'"


@pytest.mark.parametrize("command_line", [True, False])
def test_messages_name_what_the_suites_machine_names(
    command_line: bool, elsewhere: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Speaking(FakeWorker):
        def end(self) -> Outcome:
            return Outcome("failed", user_syntax("out", "--out"))

    monkeypatch.setattr(remote, "Worker", Speaking)
    site = replace(elsewhere, command_line=command_line)
    outcome = make_run(one_job(tmp_path), 1, site, calls(Depot()))
    assert outcome.message == ("--out" if command_line else "out")


def test_a_run_that_began_anew_elsewhere_or_belongs_to_others_is_left_to_them(
    elsewhere: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "Worker", FakeWorker)
    job, depot = one_job(tmp_path), Depot()

    def lost(method: str, *arguments: Any) -> Any:
        if method == "deliver":
            depot.claim(job)
        return getattr(depot, method)(*arguments)

    assert make_run(job, 1, elsewhere, lost) == Outcome("busy")
    depot.release(job.folder)
    with locked(job.folder, CLAIM):
        assert make_run(job, 1, elsewhere, calls(Depot())) == Outcome("busy")
    assert not job.result.exists()


def test_a_folder_that_cannot_be_written_is_the_users_mistake(elsewhere: Site, tmp_path: Path) -> None:
    (tmp_path / "out").touch()
    outcome = make_run(one_job(tmp_path), 1, elsewhere, calls(Depot()))
    assert (outcome.state, outcome.mistake) == ("failed", True)
    assert "cannot be written (" in outcome.message


def test_a_second_start_waits_for_the_process_that_the_first_one_left(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "Worker", FakeWorker)
    monkeypatch.setattr(remote, "_INTERVAL", 0.01)
    job, depot = one_job(tmp_path), Depot()
    depot.begin(1)
    job.folder.mkdir(parents=True)
    job.result.parent.mkdir(parents=True)
    claim = locked(job.folder, CLAIM)
    claim.__enter__()
    outcomes: list[Outcome] = []
    second = threading.Thread(target=lambda: outcomes.append(make_run(job, 1, site, calls(depot))))
    second.start()
    time.sleep(0.1)
    assert second.is_alive()
    claim.__exit__(None, None, None)
    second.join(10)
    assert outcomes == [Outcome("finished")]


@pytest.mark.slow
@pytest.mark.parametrize("stops", [1, 3])
def test_a_run_stops_where_it_is_asked_to(stops: int, elsewhere: Site, tmp_path: Path) -> None:
    """With a checkpoint, which comes back; more often asked, it ends at once, whatever it does."""
    job = one_job(tmp_path, steps=10**9)
    depot, outcomes = Depot(), []
    thread = threading.Thread(target=lambda: outcomes.append(make_run(job, 1, elsewhere, calls(depot))))
    thread.start()
    while thread.is_alive() and not any(message[0] == "steps" for _, message in depot.take()):
        time.sleep(0.05)
    for _ in range(stops):
        depot.stop()
        time.sleep(0.6)
    thread.join(60)
    assert outcomes == [Outcome("interrupted")]
    run = Run.open(job.folder)
    assert run.status.state == "interrupted"
    assert run.status.steps > 0 or stops > 1
    assert not job.is_claimed


@pytest.mark.slow
def test_a_run_elsewhere_is_as_one_here(site: Site, elsewhere: Site, tmp_path: Path) -> None:
    here, away = one_job(tmp_path / "here"), one_job(tmp_path / "away")
    assert make_run(here, 1, site, calls(Depot())) == Outcome("finished")
    assert make_run(away, 1, elsewhere, calls(Depot())) == Outcome("finished")
    files = [[name for name in Depot().files(job.folder) if "tfevents" not in name] for job in (here, away)]
    assert files[0] == files[1]  # event files are named by time and process
    assert len(list(away.folder.glob("*tfevents*"))) == len(list(here.folder.glob("*tfevents*"))) > 0
    results = [read_result(job) for job in (here, away)]
    times = ("seconds", "started")
    stripped = [{k: v for k, v in (result or {}).items() if k not in times} for result in results]
    assert stripped[0] == stripped[1]
    assert Run.open(away.folder).status.state == "finished"
    assert json.loads(away.result.read_text())["steps"] == 64


@pytest.mark.slow
def test_a_crash_elsewhere_is_recorded(elsewhere: Site, tmp_path: Path) -> None:
    family = broken_family(tmp_path, "import os; print('no oil', flush=True); os.kill(os.getpid(), 9)")
    job = one_job(tmp_path, families=[family])
    outcome = make_run(job, 1, elsewhere, calls(Depot()))
    assert outcome.message.startswith("its process was ended by the signal SIGKILL")
    assert "SIGKILL" in (job.folder / ERROR).read_text()
    assert "no oil" in (job.folder / OUTPUT).read_text()
