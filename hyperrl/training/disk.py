"""Ending a training whose run can no longer be written, with what it had."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

from hyperrl.errors import UnwritableError
from hyperrl.store import Run, resume_call

REASONS = (
    errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO, errno.EACCES, errno.EPERM, errno.ESTALE
)  # fmt: skip


@contextmanager
def explaining_full_disks(run: Run) -> Iterator[None]:
    """Raise UnwritableError where the system refuses to write, naming the checkpoint that is kept."""
    try:
        yield
    except OSError as error:
        if error.errno is None or error.errno not in REASONS:
            raise
        again = "start it again" if run.kept_steps() is None else "go on from it"
        raise UnwritableError(
            f"run {str(run.path)!r}: can no longer be written ({os.strerror(error.errno)});"
            f" {run.last_checkpoint()}; {again} by {resume_call(run.path)}"
        ) from error
