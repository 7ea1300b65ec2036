"""A run's lock: one process at a time writes to a run; the system releases it when that process ends."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hyperrl.errors import UserError

LOCK = "lock"
_TIMEOUT = 0.25
"""Seconds to wait for the lock: `is_locked` takes a shared one for a moment."""


class LockedError(UserError):
    """Another process holds the lock."""


@contextmanager
def locked(folder: Path, name: str = LOCK, what: str = "run") -> Iterator[None]:
    """Hold the lock of the run in `folder`, or another lock there; its file holds the process's number.

    Args:
        folder: where the lock's file is.
        name: of that file.
        what: the folder holds, for the message.

    Raises:
        LockedError: another process holds it.
        OSError: the folder cannot be written.
    """
    from filelock import FileLock, Timeout

    path = folder / name
    lock = FileLock(path, timeout=_TIMEOUT, thread_local=False, fallback_to_soft=False)
    try:
        lock.acquire()
    except Timeout as error:
        raise LockedError(
            f"{what} {str(folder)!r}: another process{_holder(path)} is writing to it;"
            " wait for it to end, or stop it"
        ) from error
    try:
        path.write_text(f"{os.getpid()}\n")
        yield
    finally:
        lock.release()


@contextmanager
def folder_held(folder: Path) -> Iterator[None]:
    """Wait until no other process holds a folder, then hold it; no file is left behind.

    Where the file system has no locks for folders, such as NFS, the block runs without one.

    Raises:
        OSError: the folder cannot be opened.
    """
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def is_locked(folder: Path, name: str = LOCK) -> bool:
    """Whether some process holds the lock of that name in `folder`, which need not be writable."""
    try:
        with open(folder / name, "rb", opener=_open_no_link) as file:
            # A shared lock, so that several processes may ask at once; FileLock takes flock's exclusive one.
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _open_no_link(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def _holder(path: Path) -> str:
    """The number of the process that holds the lock, as a part of a message."""
    try:
        return f" ({int(path.read_text())})"
    except (OSError, ValueError):
        return ""
