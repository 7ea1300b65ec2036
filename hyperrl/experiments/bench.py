"""Makes the runs of a suite that have no result yet."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hyperrl.experiments.engines.base import Engine, Monitor, Outcome
from hyperrl.experiments.jobs import Job
from hyperrl.experiments.results import read_result, table

_POLL = 1.0
"""Seconds between two looks at runs that other processes work on."""


@dataclass(frozen=True)
class Failure:
    """A run that failed.

    Attributes:
        job: the run.
        message: why, in one line.
        mistake: whether by a mistake of the user's.
    """

    job: Job
    message: str
    mistake: bool

    def to_json(self) -> dict[str, Any]:
        """As an entry of `hyperrl bench --json`."""
        return {
            "family": self.job.family.name,
            "agent": self.job.name,
            "seed": self.job.seed,
            "run": str(self.job.folder),
            "error": self.message,
            "mistake": self.mistake,
        }


@dataclass(frozen=True)
class SuiteReport:
    """What there is of a suite.

    Attributes:
        suite: its name.
        out: folder of its runs.
        results: folder of their results.
        jobs: all its runs.
        failures: the runs that failed just now.
    """

    suite: str
    out: Path
    results: Path
    jobs: tuple[Job, ...]
    failures: tuple[Failure, ...] = ()

    def table(self) -> list[dict[str, Any]]:
        """A row for each agent on each family, of all results that there are."""
        return table(self.jobs)

    def to_json(self) -> dict[str, Any]:
        """The object of `hyperrl bench --json`."""
        rows = self.table()
        specialists = [job for job in self.jobs if job.specialist_of is not None]
        trained = sum(read_result(job) is not None for job in specialists)
        return {
            "suite": self.suite,
            "out": str(self.out),
            "results": str(self.results),
            "runs": len(self.jobs),
            "finished": sum(row["runs"] for row in rows) + trained,
            "specialists": {"runs": len(specialists), "finished": trained},
            "failed": [failure.to_json() for failure in self.failures],
            "table": rows,
        }


def run_suite(jobs: Sequence[Job], engine: Engine, monitor: Monitor) -> list[Failure]:
    """Make the runs that have no result; wait for those that other processes work on.

    Args:
        jobs: the runs.
        engine: makes them.
        monitor: follows them.

    Returns:
        The runs that failed; all others have a result.

    Raises:
        KeyboardInterrupt: a signal came, or a run was stopped from outside; all runs were stopped, with
            checkpoints.
    """
    left = [job for job in jobs if read_result(job) is None]
    monitor.planned(len(jobs), len(jobs) - len(left))
    failures = []
    while left:
        ended = set()
        with closing(engine.run(_ready(left), monitor)) as outcomes:
            for job, outcome in outcomes:
                monitor.ended(job, outcome)
                match outcome:
                    case Outcome("interrupted"):
                        raise KeyboardInterrupt
                    case Outcome("failed"):
                        failures.append(Failure(job, outcome.message, outcome.mistake))
                    case Outcome("busy"):
                        continue
                ended.add(job.folder)
        left = [job for job in left if job.folder not in ended and read_result(job) is None]
        if left:
            monitor.waiting(len(left))
            time.sleep(_POLL)
    return failures


def _ready(jobs: Sequence[Job]) -> Iterator[Job]:
    """The jobs that, once it is their turn, have no result and nobody who works on them."""
    for job in jobs:
        if not job.is_claimed and read_result(job) is None:
            yield job
