"""Ending a training whose base environment failed, with what the run has and the base's own traceback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hyperrl.errors import BaseEnvironmentError
from hyperrl.store import Run, atomic_write

TRACEBACK = "base-error.txt"
"""The file of a run that holds the traceback of its base environment's failure."""


@contextmanager
def explaining_base_failures(run: Run) -> Iterator[None]:
    """Name the run, its last checkpoint and the traceback's file where the base environment fails."""
    file = run.path / TRACEBACK
    try:
        yield
    except BaseEnvironmentError as error:
        try:
            atomic_write(file, error.trace.encode(errors="backslashreplace"))
            where = f"; its traceback is in {str(file)!r}"
        except OSError:  # of a full disk, which must not hide the failure
            where = ""
        raise BaseEnvironmentError(
            f"run {str(run.path)!r}: {error}; {run.last_checkpoint()}{where}", error.trace
        ) from error
