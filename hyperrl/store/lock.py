"""One process at a time writes to a run; the system lets go of the lock however that process ends."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hyperrl.errors import UserError

LOCK = "lock"
_TRIES, _PAUSE = 5, 0.05
"""Who asks whether a run is locked holds it for a moment."""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of the run in `folder`.

    Raises:
        UserError: another process holds it.
        OSError: the folder cannot be written.
    """
    handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
    try:
        if not any(_take(handle) for _ in range(_TRIES)):
            raise UserError(
                f"run {str(folder)!r}: another process is writing to it; wait for it to end, or stop it"
            )
        yield
    finally:
        os.close(handle)


def is_locked(folder: Path) -> bool:
    """Whether some process holds the lock of the run in `folder`."""
    try:
        handle = os.open(folder / LOCK, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(handle)
    return False


def _take(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        time.sleep(_PAUSE)
        return False
    return True
