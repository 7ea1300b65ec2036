"""A process that makes one run: the job comes by stdin, progress and outcome go to stdout, as JSON lines."""

from __future__ import annotations

import io
import json
import os
import signal
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from hyperrl.errors import on_command_line
from hyperrl.evaluation.progress import Reporter, ValidationReporter
from hyperrl.experiments.engines.base import Outcome
from hyperrl.experiments.jobs import Job
from hyperrl.experiments.results import read_result
from hyperrl.experiments.work import attempt
from hyperrl.startup import INTERRUPTED, SIGNALS

_INTERVAL = 0.5
"""Seconds between two messages of progress."""


class Channel:
    """Sends messages to the parent: calls of a progress hook, not too often, and the outcome.

    Args:
        descriptor: of the pipe.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._last: dict[str, float] = {}
        self._phase = ""

    def __call__(self, done: int, total: int) -> None:
        """Send the steps done and planned."""
        self._send_rarely("steps", done, total, always=done >= total)

    def phase(self, name: str, share: float | None = None) -> None:
        """Send the phase, and the share of it that is done."""
        self._send_rarely("phase", name, share, always=name != self._phase)
        self._phase = name

    def reached(self, mean_return: float) -> None:
        """Send the mean return of the latest episodes."""
        self._send_rarely("return", float(mean_return))

    def validated(self, best: float, steps: int) -> None:
        """Send the best validation return so far."""
        self._send("validation", float(best), steps)

    def outcome(self, outcome: Outcome) -> None:
        """Send how the run ended."""
        self._send("outcome", asdict(outcome))

    def _send_rarely(self, kind: str, *values: Any, always: bool = False) -> None:
        now = time.monotonic()
        if always or now - self._last.get(kind, -_INTERVAL) >= _INTERVAL:
            self._last[kind] = now
            self._send(kind, *values)

    def _send(self, kind: str, *values: Any) -> None:
        message = json.dumps([kind, *values]).encode() + b"\n"
        with suppress(BrokenPipeError):  # The parent is gone, and this process is about to stop.
            while message:
                message = message[os.write(self._descriptor, message) :]


def relay(message: Sequence[Any], reporter: Reporter) -> None:
    """Tell a reporter what a channel sent of a run's progress."""
    match message:
        case ["steps", done, total]:
            reporter(done, total)
        case ["phase", name, share]:
            reporter.phase(name, share)
        case ["return", value]:
            reporter.reached(value)
        case ["validation", best, steps] if isinstance(reporter, ValidationReporter):
            reporter.validated(best, steps)


def main(command_line: bool) -> int:
    """Make the run that stdin names.

    Where stdin ends, the parent is gone or wants the run to stop, which then ends with a checkpoint. Signals
    that reach a whole job, the parent too, must not stop it a second time, which would be at once.

    Args:
        command_line: whether messages name options of the command line, as in the parent.
    """
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)  # a parent that blocks some, as Ray does, hands it on
    channel = Channel(os.dup(1))
    os.dup2(2, 1)  # what environments print
    job = Job.model_validate_json(io.FileIO(0, closefd=False).readline())
    loaded = threading.Event()
    threading.Thread(target=_stop_at_end, args=(loaded,), daemon=True).start()
    if read_result(job) is None:
        from hyperrl import training  # noqa: F401
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        loaded.set()
        with on_command_line(command_line):
            outcome = attempt(job, channel)
    except KeyboardInterrupt:  # between two lines of `attempt`
        outcome = Outcome("interrupted")
    channel.outcome(outcome)
    return 0


def _stop_at_end(loaded: threading.Event) -> None:
    """Interrupt this process at the end of stdin; while it imports, which would swallow that, end it."""
    while os.read(0, 1024):
        continue
    if not loaded.is_set():
        os._exit(INTERRUPTED)
    os.kill(os.getpid(), signal.SIGINT)
