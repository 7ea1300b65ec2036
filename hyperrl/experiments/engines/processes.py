"""Runs in processes of this machine, as many at a time as it has cores for."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any

from hyperrl.errors import is_on_command_line
from hyperrl.evaluation.progress import Reporter
from hyperrl.experiments.engines.base import Monitor, Outcome, Settings, Stopping, check_cores
from hyperrl.experiments.engines.worker import relay
from hyperrl.experiments.jobs import Job
from hyperrl.experiments.work import ERROR
from hyperrl.store import report_write_errors
from hyperrl.tasks.simulators.threads import CORES, available_cores

OUTPUT = "output.txt"
"""The file of a run's folder that holds what its process printed."""
_MAIN = """
import sys
sys.path[:] = {path!r}
from hyperrl.experiments.engines.worker import main
sys.exit(main(command_line={command_line}))
"""
PATIENCE = 10.0
"""Seconds that a process has to end after a second signal."""

Message = list[Any] | None
"""What a process sends; None when it has ended."""


class Worker:
    """A process that makes one run, as its parent sees it.

    Args:
        job: the run.
        messages: gets what the process sends.
        reporter: told of the run's progress.
    """

    def __init__(self, job: Job, messages: SimpleQueue[tuple[Worker, Message]], reporter: Reporter) -> None:
        self.job, self.reporter = job, reporter
        self.outcome: Outcome | None = None
        with report_write_errors("run", job.folder):
            job.folder.mkdir(parents=True, exist_ok=True)
            output = (job.folder / OUTPUT).open("ab")
        code = _MAIN.format(path=sys.path, command_line=is_on_command_line())
        with output:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-c", code],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=output,
                env={**os.environ, "OMP_NUM_THREADS": str(job.agent.threads), CORES: str(job.cores)},
                process_group=0,  # Ctrl-C reaches the parent alone, which stops all runs once.
            )  # fmt: skip
        threading.Thread(target=self._read, args=(messages,), daemon=True).start()
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):  # it has ended, and its outcome is that of any process that dies
            self.process.stdin.write(job.model_dump_json(by_alias=True).encode() + b"\n")
            self.process.stdin.flush()

    def _read(self, messages: SimpleQueue[tuple[Worker, Message]]) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                messages.put((self, json.loads(line)))
        self.process.wait()
        messages.put((self, None))

    def take(self, message: list[Any]) -> None:
        """Note what the process sends."""
        match message:
            case ["outcome", outcome]:
                self.outcome = Outcome(**outcome)
            case _:
                relay(message, self.reporter)
        if isinstance(self.reporter, Stopping) and self.reporter.stop:
            self.close()

    def close(self) -> None:
        """Close the process's stdin, by which it stops."""
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):
            self.process.stdin.close()

    def end(self) -> Outcome:
        """How the run ended, once the process has."""
        self.close()
        return self.outcome or failure(self.job, _death(self.process.returncode, self.job))


@dataclass
class ProcessEngine:
    """Makes each run in a process of its own.

    Attributes:
        cores: of all runs together.
        jobs: runs at a time, at most.
    """

    cores: int
    jobs: int
    _workers: list[Worker] = field(default_factory=list)

    @classmethod
    @contextmanager
    def opened(cls, jobs: Sequence[Job], settings: Settings) -> Iterator[ProcessEngine]:
        """An engine for these runs.

        Raises:
            UserError: a run takes more cores than there are.
        """
        cores = available_cores()
        check_cores(jobs, cores, "this machine")
        yield cls(cores, settings.jobs or cores)

    def run(self, jobs: Iterator[Job], monitor: Monitor) -> Generator[tuple[Job, Outcome], None, None]:
        """Make runs, as `Engine.run` says.

        Raises:
            UserError: the folder of a run cannot be written.
        """
        messages: SimpleQueue[tuple[Worker, Message]] = SimpleQueue()
        following: Job | None = None
        try:
            while True:
                while len(self._workers) < self.jobs:
                    following = following or next(jobs, None)
                    if following is None or not self._fits(following):
                        break
                    self._workers.append(Worker(following, messages, monitor.started(following)))
                    following = None
                if not self._workers:
                    return
                worker, message = messages.get()
                if message is not None:
                    worker.take(message)
                    continue
                self._workers.remove(worker)
                yield worker.job, worker.end()
        finally:
            if self._workers:
                monitor.stopping(len(self._workers))
                _stop(self._workers)

    def _fits(self, job: Job) -> bool:
        return sum(worker.job.cores for worker in self._workers) + job.cores <= self.cores


def _stop(workers: Sequence[Worker]) -> None:
    """Stop processes with a checkpoint; once more interrupted, at once."""
    for worker in workers:
        worker.close()
    patience = None
    while True:
        try:
            for worker in workers:
                worker.process.wait(patience)
            return
        except KeyboardInterrupt:
            number, patience = signal.SIGINT, PATIENCE
        except subprocess.TimeoutExpired:
            number = signal.SIGKILL
        for worker in workers:
            worker.process.send_signal(number)


def failure(job: Job, message: str, details: str = "") -> Outcome:
    """The outcome of a run that could not tell of its failure, which its folder's error.txt then does."""
    with report_write_errors("run", job.folder):
        job.folder.mkdir(parents=True, exist_ok=True)
        text = "\n\n".join(filter(None, (message, details)))
        (job.folder / ERROR).write_text(f"{text}\n", "utf-8", "backslashreplace")
    return Outcome("failed", message)


def _death(status: int, job: Job) -> str:
    """How a process ended that did not tell."""
    how = f"with exit status {status}"
    if status < 0:
        memory = ", perhaps as memory ran out" if status == -signal.SIGKILL else ""
        how = f"by the signal {signal.Signals(-status).name}{memory}"
    return f"its process was ended {how}; what it printed is in {str(job.folder / OUTPUT)!r}"
