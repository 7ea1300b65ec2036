"""Makes a run on a worker's machine, which may or may not see the folders of the suite's machine."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import chdir, suppress
from dataclasses import replace
from pathlib import Path
from queue import Empty, SimpleQueue
from tempfile import TemporaryDirectory
from typing import Any

from hyperrl.errors import UserError, on_command_line
from hyperrl.evaluation.progress import SilentReporter
from hyperrl.experiments.engines.base import Outcome
from hyperrl.experiments.engines.depot import CHUNK, Site, files_below
from hyperrl.experiments.engines.processes import PATIENCE, Message, Worker
from hyperrl.experiments.jobs import Job
from hyperrl.store import report_write_errors

Call = Callable[..., Any]
"""Calls a method of the suite's `Depot` by its name; what the method raises of OSError, it raises."""
_INTERVAL = 0.5
"""Seconds between two calls that say how far a run is, and ask whether it shall stop."""
_FORMER = 60.0
"""Seconds that a run may take to stop whose worker was killed, before it is left to whoever works on it."""
_RESULT = ".result.json"
"""The file among a run's files that becomes its result."""


def make_run(job: Job, number: int, site: Site, call: Call) -> Outcome:
    """Make a run in a process of its own on this machine.

    Where the folders of the suite's machine are visible, the run works in them. Where they are not, it works
    in a folder of this machine. The run's files are fetched first, if there are some, and sent back at the
    end, piece by piece.

    Args:
        job: the run, with absolute paths.
        number: what the depot knows it by.
        site: the machine of the suite.
        call: calls the depot there.
    """
    with on_command_line(site.command_line):
        try:
            begun = call("begin", number)
            if not site.is_here:
                return _make_elsewhere(job, number, call)
            if begun > 1:
                _wait_for_former(job, number, call)
            with chdir(site.folder):
                return _follow(job, number, call)
        except UserError as error:
            return Outcome("failed", str(error), mistake=True)


def _wait_for_former(job: Job, number: int, call: Call) -> None:
    """Wait for a process that a lost worker left behind: it stops by itself, with a checkpoint."""
    deadline = time.monotonic() + _FORMER
    while job.is_claimed and time.monotonic() < deadline and not call("report", number, []):
        time.sleep(_INTERVAL)


def _make_elsewhere(job: Job, number: int, call: Call) -> Outcome:
    """Make a run in a folder of this machine, from and to the files of the suite's machine."""
    with report_write_errors("run", job.folder):
        ticket = call("claim", job)
    if not ticket:
        return Outcome("busy")
    with TemporaryDirectory(prefix="hyperrl-", ignore_cleanup_errors=True) as name:
        folder = Path(name, job.folder.name)
        local = job.model_copy(update={"folder": folder, "result": folder / _RESULT})
        with report_write_errors("run", folder):
            _fetch(job.folder, folder, call)
        outcome = _follow(local, number, call)
        with report_write_errors("run", job.folder):
            is_good = _send(folder, job.folder, ticket, call)
            is_good = is_good and call("deliver", job.folder, ticket, job.result, _RESULT)
    if not is_good:  # another worker has begun the run anew
        return Outcome("busy")
    return replace(outcome, message=outcome.message.replace(str(folder), str(job.folder)))


def _fetch(source: Path, target: Path, call: Call) -> None:
    target.mkdir()
    for name in call("files", source):
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            while data := call("read", source, name, file.tell()):
                file.write(data)


def _send(source: Path, target: Path, ticket: int, call: Call) -> bool:
    """Send all files of a folder; False where the ticket is no longer good."""
    for path in files_below(source):
        with path.open("rb") as file:
            data = None
            while data is None or len(data) == CHUNK:
                data = file.read(CHUNK)
                if not call("write", target, ticket, str(path.relative_to(source)), data):
                    return False
    return True


def _follow(job: Job, number: int, call: Call) -> Outcome:
    """Make a run in a process, say how far it is, and stop it where that is asked for."""
    messages: SimpleQueue[tuple[Worker, Message]] = SimpleQueue()
    worker = Worker(job, messages, SilentReporter())
    stops, deadline = 0, float("inf")
    try:
        while True:
            with suppress(subprocess.TimeoutExpired):
                worker.process.wait(_INTERVAL)
            progress, has_ended = [], False
            for message in _drain(messages):
                if message is None:
                    has_ended = True
                elif message[0] == "outcome":
                    worker.take(message)
                else:
                    progress.append(message)
            before, stops = stops, call("report", number, progress)
            if has_ended:
                stopped = stops > 0 and worker.outcome is None
                return Outcome("interrupted") if stopped else worker.end()
            if stops > max(before, 1):
                worker.process.send_signal(signal.SIGINT)
                deadline = min(deadline, time.monotonic() + PATIENCE)
            elif stops > before:
                worker.close()
            if time.monotonic() > deadline:
                worker.process.kill()
    finally:  # where the suite's machine no longer answers, the run stops with a checkpoint
        worker.close()
        worker.process.wait()


def _drain(messages: SimpleQueue[tuple[Worker, Message]]) -> list[Message]:
    found = []
    with suppress(Empty):
        while True:
            found.append(messages.get_nowait()[1])
    return found
