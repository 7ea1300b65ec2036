"""Where Optuna keeps a study: a journal file, or a database."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from filelock import FileLock
from optuna import logging
from optuna.exceptions import ExperimentalWarning
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

from hyperrl.errors import UserError, user_syntax
from hyperrl.store import report_write_errors

T = TypeVar("T")
_LOCK = ".flock"
_FIRST = b'{"op_code"'
"""How the first line of a journal begins."""


class JournalLock(JournalFileOpenLock):
    """A journal's lock that the system releases when its process ends, however it ends.

    Optuna's own locks are files that a killed process leaves behind.

    Args:
        journal: the journal's file.
    """

    def __init__(self, journal: Path) -> None:
        self._lock = FileLock(f"{journal}{_LOCK}", thread_local=False, fallback_to_soft=False)

    def acquire(self) -> bool:
        """Wait for the lock, and take it."""
        self._lock.acquire()
        return True

    def release(self) -> None:
        """Release the lock."""
        self._lock.release()


def is_url(place: str) -> bool:
    """Whether a storage is a database's URL, and no journal's file."""
    return "://" in place


def without_password(place: str) -> str:
    """A storage as files and messages name it."""
    return re.sub(r"(://[^:/@]*:)[^@]*@", r"\1***@", place)


@contextmanager
def quiet_optuna() -> Iterator[None]:
    """Keep Optuna from printing what it does, and from warning of its newer parts."""
    before = logging.get_verbosity()
    logging.set_verbosity(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            yield
    finally:
        logging.set_verbosity(before)


@contextmanager
def opened_storage(place: str) -> Iterator[BaseStorage]:
    """A storage, opened or made, for as long as the block runs.

    A journal's last line that a killed process did not finish is cut off: what it would have said did not
    happen, and the next line would else be appended to it.

    Args:
        place: a file of Optuna's journal, or the URL of a database.

    Raises:
        UserError: it cannot be opened or written, or is something else.
    """
    what = user_syntax("storage", "--storage")
    if is_url(place):
        database = _opened(lambda: RDBStorage(place), what, place)
        try:
            yield database
        finally:
            database.remove_session()
            database.engine.dispose()
        return
    path = Path(place)
    with report_write_errors(what, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _refuse_other_file(path, what)  # before a lock is left beside it
        lock = JournalLock(path)
        lock.acquire()
        try:
            _cut_unfinished_line(path)
        finally:
            lock.release()
    yield _opened(lambda: JournalStorage(JournalFileBackend(str(path), lock)), what, place)


def _opened(open_it: Callable[[], T], what: str, place: str) -> T:
    """The storage; UserError says in one line why there is none, whichever driver or parser says it."""
    try:
        return open_it()
    except Exception as error:
        reason = next(iter(str(error).splitlines()), "") or type(error).__name__
        found = without_password(place)
        raise UserError(f"{what}: found {found!r}, which cannot be opened ({reason})") from error


def _refuse_other_file(path: Path, what: str) -> None:
    """UserError where a file is there that is no journal."""
    with suppress(FileNotFoundError), path.open("rb+") as file:
        begins = file.read(len(_FIRST))
        if begins != _FIRST[: len(begins)]:
            raise UserError(
                f"{what}: found {str(path)!r}, which is no journal of Optuna's; allowed: one, a new file, or"
                " the URL of a database"
            )


def _cut_unfinished_line(path: Path) -> None:
    """Cut a journal off after its last whole line."""
    with suppress(FileNotFoundError), path.open("rb+") as file:
        file.truncate(file.read().rfind(b"\n") + 1)
        os.fsync(file.fileno())
