"""Ending a training whose run can no longer be written, with what it had."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from hyperrl.errors import UnwritableError
from hyperrl.store import Run

REASONS = (
    errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO, errno.EACCES, errno.EPERM, errno.ESTALE
)  # fmt: skip


@contextmanager
def explaining_full_disks(run: Run) -> Iterator[None]:
    """Raise UnwritableError where the system refuses to write, naming the checkpoint that is kept.

    TensorBoard writes in a thread of its own, which hands its error on to the next that writes: what the
    thread would print of it is left out.
    """
    print_error = threading.excepthook

    def quiet(error: threading.ExceptHookArgs) -> None:
        if not _unwritable(error.exc_value):
            print_error(error)

    threading.excepthook = quiet
    try:
        yield
    except OSError as error:
        if error.errno is None or not _unwritable(error):
            raise
        raise UnwritableError(
            f"run {str(run.path)!r}: can no longer be written ({os.strerror(error.errno)}); the checkpoint of"
            f" {run.status.steps} steps is kept; go on from it by --resume {run.path}"
        ) from error
    finally:
        threading.excepthook = print_error


def _unwritable(error: BaseException | None) -> bool:
    return isinstance(error, OSError) and error.errno in REASONS
