"""What an engine is: it makes runs side by side and tells how each of them ended."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

from hyperrl.errors import UserError
from hyperrl.evaluation.progress import Reporter
from hyperrl.experiments.jobs import Job


@dataclass(frozen=True)
class Outcome:
    """How the work on a run ended.

    Attributes:
        state: `finished`, with its result written; `failed`; `interrupted`; or `busy`, as another process
            works on it.
        message: why it failed, in one line.
        mistake: whether the failure is a mistake of the user's.
    """

    state: Literal["finished", "failed", "busy", "interrupted"]
    message: str = ""
    mistake: bool = False


@runtime_checkable
class Monitor(Protocol):
    """Follows the runs of a suite."""

    def planned(self, runs: int, finished: int) -> None:
        """Note how many runs there are, and how many of them had a result before."""

    def started(self, job: Job) -> Reporter:
        """Note that a run starts; what is returned is told of its progress."""

    def ended(self, job: Job, outcome: Outcome) -> None:
        """Note how the work on a run ended."""

    def waiting(self, jobs: int) -> None:
        """Note that so many runs are left, and other processes work on all of them."""

    def stopping(self, jobs: int) -> None:
        """Note that so many runs are being stopped, because a signal came."""


@runtime_checkable
class Stopping(Protocol):
    """A reporter that may have its run stopped.

    Attributes:
        stop: whether the run is to end at its next safe point, with a checkpoint; its outcome is then
            `interrupted`, unless it ends by itself before.
    """

    stop: bool


@dataclass(frozen=True)
class Settings:
    """What an engine is opened with.

    Attributes:
        jobs: runs at a time, at most; None: as many as there are cores for.
        folders: the folders of the runs and of their results.
        ray_address: of a Ray cluster; None: one is started on this machine.
    """

    jobs: int | None = None
    folders: tuple[Path, ...] = ()
    ray_address: str | None = None


class Engine(Protocol):
    """Makes runs side by side."""

    def run(self, jobs: Iterator[Job], monitor: Monitor) -> Generator[tuple[Job, Outcome], None, None]:
        """Make runs; yield each when it ends.

        Where the generator is closed, or an exception comes up in it, all runs are stopped first, with
        checkpoints to go on from.

        Args:
            jobs: what to make; the next one is taken when there is room for it.
            monitor: told of each run's start and progress.
        """


def check_cores(jobs: Sequence[Job], cores: int, whose: str) -> None:
    """UserError for a run that takes more cores than there are; `whose` says in words what has them."""
    for job in jobs:
        if job.cores > cores:
            raise UserError(
                f"suite {job.suite!r}: {job.label}: found {job.cores} threads or processes; allowed: at most"
                f" {cores}, the cores of {whose}"
            )
