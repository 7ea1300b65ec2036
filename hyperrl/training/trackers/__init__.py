"""Services that follow runs beside TensorBoard, which stays the record: `hyperrl train --track NAME`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from stable_baselines3.common.logger import KVWriter

from hyperrl.errors import UserError
from hyperrl.store import Run, atomic_write
from hyperrl.store.files import read_object
from hyperrl.training.trackers.base import Outcome, Tracker, TrackerWriter
from hyperrl.training.trackers.mlflow import MLflowTracker
from hyperrl.training.trackers.wandb import WandbTracker

__all__ = ["IDENTIFIERS", "TRACKER_CLASSES", "tracking"]

TRACKER_CLASSES: dict[str, type[Tracker]] = {each.name: each for each in (WandbTracker, MLflowTracker)}
"""By name; their packages are imported when they are opened."""

IDENTIFIERS = "trackers.json"
"""The file of a run that holds its identifier in each tracker, by the tracker's name."""

_IDENTIFIER = re.compile(r"[A-Za-z0-9_-]{1,64}")


@contextmanager
def tracking(run: Run, names: Sequence[str]) -> Iterator[list[KVWriter]]:
    """Writers that hand a run's scalars to trackers, which are closed at the end of the block.

    A run that was tracked before goes on in the same runs of its trackers.

    Args:
        run: locked by this process.
        names: of the trackers; their packages are installed.

    Raises:
        UserError: the run's file of identifiers is corrupt.
    """
    identifiers = read_identifiers(run) if names else {}
    writers = {name: TrackerWriter(TRACKER_CLASSES[name](run)) for name in names}
    outcome: Outcome = "failed"
    try:
        for name, writer in writers.items():
            if identifier := writer.open(identifiers.get(name)):
                identifiers[name] = identifier
                atomic_write(run.path / IDENTIFIERS, (json.dumps(identifiers, indent=1) + "\n").encode())
        yield list(writers.values())
        outcome = "finished"
    except KeyboardInterrupt:
        outcome = "interrupted"
        raise
    finally:
        for writer in writers.values():
            writer.end(outcome)


def read_identifiers(run: Run) -> dict[str, str]:
    """A run's identifiers in trackers by name; UserError where their file is corrupt."""
    path = run.path / IDENTIFIERS
    if not path.exists():
        return {}
    try:
        found = read_object(path)
        if not all(isinstance(each, str) and _IDENTIFIER.fullmatch(each) for each in found.values()):
            raise ValueError("not one of identifiers")
    except ValueError as error:
        raise UserError(f"run {str(run.path)!r}: {IDENTIFIERS} is {error}") from None
    return found
