import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hyperrl.errors import UserError
from hyperrl.store import Run, RunSpec
from hyperrl.store.lock import folder_held, is_locked, locked
from tests.store.conftest import created

HOLDER = """
import os, sys, time
from hyperrl.store import Run

with Run.open(sys.argv[1]).writing():
    child = os.fork()
    if child:
        print(child, flush=True)
    time.sleep(60)
"""


def test_a_process_that_is_killed_releases_its_run(run: Run) -> None:
    """Even where a process that it forked, as for an environment, lives longer."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(run.path)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    child = int(holder.stdout.readline())
    try:
        states = [run.state]
        told = rf"^run '.*seed-3': another process \({holder.pid}\) is writing to it"
        with pytest.raises(UserError, match=told), run.writing():
            pass
        holder.kill()
        holder.wait()
        states.append(run.state)
        with run.writing():
            states.append(run.state)
        assert states == ["running", "killed", "running"]
    finally:
        os.kill(child, signal.SIGKILL)
        holder.communicate()


def test_two_cannot_create_one_run(tmp_path: Path, spec: RunSpec) -> None:
    with locked(tmp_path), pytest.raises(UserError, match=r"another process \(\d+\) is writing"):
        created(tmp_path, spec)
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]


def test_a_lock_that_leads_elsewhere_is_not_followed(run: Run, tmp_path: Path) -> None:
    (run.path / "lock").unlink()
    (run.path / "lock").symlink_to(tmp_path / "outside")
    with pytest.raises(UserError, match="cannot be written"), run.writing():
        pass
    assert not (tmp_path / "outside").exists()


def test_one_who_asks_is_no_holder_for_another(tmp_path: Path) -> None:
    with locked(tmp_path):
        pass
    with (tmp_path / "lock").open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_SH)  # what `is_locked` does, in another process
        assert not is_locked(tmp_path)


def test_asking_waits_for_nothing_and_writes_nothing(tmp_path: Path) -> None:
    assert not is_locked(tmp_path)
    assert list(tmp_path.iterdir()) == []
    os.mkfifo(tmp_path / "lock")
    assert not is_locked(tmp_path)


def test_a_folder_is_held_by_one_at_a_time_and_nothing_is_left_behind(tmp_path: Path) -> None:
    other = os.open(tmp_path, os.O_RDONLY)
    with folder_held(tmp_path), pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(other)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_cannot_be_held(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), folder_held(tmp_path / "none"):
        pass
