from pathlib import Path

import pytest

from hyperrl.experiments import Job
from hyperrl.experiments.engines.depot import CHUNK, Depot
from hyperrl.experiments.jobs import CLAIM
from hyperrl.store.lock import locked
from tests.experiments.suites import jobs
from tests.experiments.test_bench import finish


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return jobs(tmp_path, {"agents": ["blind-ppo"]})[0]


def test_messages_are_taken_once_and_stops_are_counted() -> None:
    depot = Depot()
    assert (depot.begin(3), depot.begin(3), depot.begin(4)) == (1, 2, 1)
    assert depot.report(3, [["steps", 1, 2]]) == 0
    depot.stop()
    depot.stop()
    assert depot.report(4, []) == 2
    started = ["started"]
    assert depot.take() == [(3, started), (3, started), (4, started), (3, ["steps", 1, 2])]
    assert depot.take() == []


def test_files_take_the_place_of_the_folder_at_once(job: Job) -> None:
    depot = Depot()
    ticket = depot.claim(job)
    assert job.is_claimed
    (job.folder / "old.txt").write_text("old")
    for data in (b"a", b"b"):
        assert depot.write(job.folder, ticket, "checkpoints/latest", data)
    assert depot.write(job.folder, ticket, "result", b"{}")
    assert depot.files(job.folder) == ["old.txt"]
    assert depot.deliver(job.folder, ticket, job.result, "result")
    assert depot.files(job.folder) == ["checkpoints/latest"]
    assert (job.folder / "checkpoints/latest").read_bytes() == b"ab"
    assert job.result.read_bytes() == b"{}"
    assert not job.is_claimed
    assert [path.name for path in job.folder.parent.iterdir()] == ["seed-0"]


def test_a_folder_whose_replacement_was_killed_half_way_is_put_back(job: Job) -> None:
    depot = Depot()
    depot.claim(job)
    (job.folder / "old.txt").write_text("old")
    depot.release(job.folder)
    job.folder.rename(job.folder.with_name(".seed-0.former"))
    again = Depot()
    assert again.claim(job)
    assert again.files(job.folder) == ["old.txt"]
    again.release(job.folder)


def test_what_comes_with_an_older_ticket_is_refused(job: Job) -> None:
    depot = Depot()
    first = depot.claim(job)
    depot.write(job.folder, first, "run.yaml", b"first")
    second = depot.claim(job)
    assert not depot.write(job.folder, first, "run.yaml", b"first")
    assert not depot.deliver(job.folder, first, job.result, "result")
    assert depot.write(job.folder, second, "run.yaml", b"second")
    assert depot.deliver(job.folder, second, job.result, "result")
    assert (job.folder / "run.yaml").read_bytes() == b"second"
    assert not job.result.exists()
    assert not depot.write(job.folder, second, "run.yaml", b"late")


def test_a_run_of_another_process_or_with_a_result_is_not_claimed(job: Job) -> None:
    depot = Depot()
    job.folder.mkdir(parents=True)
    with locked(job.folder, CLAIM):
        assert depot.claim(job) == 0
    assert depot.claim(job) == 1
    depot.release(job.folder)
    finish(job)
    assert depot.claim(job) == 0
    assert not job.is_claimed
    depot.release(job.folder)


def test_files_are_read_in_pieces_and_locks_and_links_are_none(job: Job, tmp_path: Path) -> None:
    depot = Depot()
    (job.folder / "checkpoints").mkdir(parents=True)
    (job.folder / "checkpoints" / "best").write_bytes(b"x" * CHUNK + b"yz")
    for name in ("lock", CLAIM, "status.json"):
        (job.folder / name).touch()
    (job.folder / "link").symlink_to(tmp_path)
    assert depot.files(job.folder) == ["checkpoints/best", "status.json"]
    pieces = [depot.read(job.folder, "checkpoints/best", start) for start in (0, CHUNK, CHUNK + 2)]
    assert [len(piece) for piece in pieces] == [CHUNK, 2, 0]
