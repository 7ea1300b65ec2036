"""What a run keeps, and what the user reads, where its training ends early."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from hyperrl.errors import BaseEnvironmentError, UnwritableError
from hyperrl.store import Run, atomic_write, resume_call

TRACEBACK = "base-error.txt"
"""The file of a run that holds the traceback of its base environment's failure."""

UNWRITABLE = (
    errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO, errno.EACCES, errno.EPERM, errno.ESTALE
)  # fmt: skip
"""Errors by which the system refuses to write a file."""


@contextmanager
def explain_early_end(run: Run) -> Iterator[None]:
    """Name the checkpoint that is left in the message about a failure that ends a training.

    Raises:
        BaseEnvironmentError: the base environment failed; the run holds its traceback.
        UnwritableError: the system refuses to write.
    """
    try:
        with _explain_base_failure(run):
            yield
    except OSError as error:
        if error.errno not in UNWRITABLE:
            raise
        again = "start it again" if run.latest_steps() is None else "go on from it"
        raise UnwritableError(
            f"run {str(run.path)!r}: can no longer be written ({os.strerror(error.errno)});"
            f" {run.describe_latest()}; {again} by {resume_call(run.path)}"
        ) from error


@contextmanager
def _explain_base_failure(run: Run) -> Iterator[None]:
    try:
        yield
    except BaseEnvironmentError as error:
        file, where = run.path / TRACEBACK, ""
        with suppress(OSError):  # a full disk must not hide the failure
            atomic_write(file, error.trace.encode(errors="backslashreplace"))
            where = f"; its traceback is in {str(file)!r}"
        raise BaseEnvironmentError(
            f"run {str(run.path)!r}: {error}; {run.describe_latest()}{where}", error.trace
        ) from error
