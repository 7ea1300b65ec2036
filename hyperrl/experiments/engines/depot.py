"""What the machine of a suite keeps for runs on other machines: their messages, their files, their locks."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hyperrl.experiments.jobs import CLAIM, Job
from hyperrl.experiments.results import read_result
from hyperrl.store import atomic_write
from hyperrl.store.files import UNFINISHED
from hyperrl.store.lock import LOCK, LockedError, locked

CHUNK = 4 * 2**20
"""Bytes of a file that are sent at a time: the memory that a file takes on its way, however large it is."""
_LOCKS = (LOCK, CLAIM)


@dataclass(frozen=True)
class Site:
    """The machine of a suite, as workers need to know it.

    Attributes:
        folder: in which the suite was started.
        marks: files there, in the folders of runs and results, and what they hold. A worker that finds them
            sees these folders.
        command_line: whether messages name options of the command line there.
    """

    folder: Path
    marks: Mapping[Path, str]
    command_line: bool = False

    @property
    def is_here(self) -> bool:
        """Whether this machine sees the suite's folders."""
        try:
            return all(path.read_text() == text for path, text in self.marks.items())
        except (OSError, ValueError):
            return False


@dataclass
class _Delivery:
    """A run's files on their way to this machine."""

    ticket: int = 0
    claim: ExitStack = field(default_factory=ExitStack)


class Depot:
    """Takes messages of runs on other machines, and the files of those that see no folder of this machine.

    One process has it, on the machine of the suite; the engine and all runs call it. A run whose machine was
    lost may begin again elsewhere while the first one still writes: each claim gives a new ticket, and what
    comes with an older one is refused.
    """

    def __init__(self) -> None:
        self._messages: list[tuple[int, list[Any]]] = []
        self._begun: dict[int, int] = {}
        self._deliveries: dict[Path, _Delivery] = {}
        self._stops = 0

    def sees(self, site: Site) -> bool:
        """Whether this process sees the suite's folders, without which it is on no machine of the suite's."""
        return site.is_here

    def begin(self, run: int) -> int:
        """Note that the work on a run begins; how often it has begun by now."""
        self._begun[run] = self._begun.get(run, 0) + 1
        self._messages.append((run, ["started"]))
        return self._begun[run]

    def report(self, run: int, messages: list[list[Any]]) -> int:
        """Take messages of a run; how often runs have been asked to stop by now."""
        self._messages += [(run, message) for message in messages]
        return self._stops

    def take(self) -> list[tuple[int, list[Any]]]:
        """The messages since the last call, each with the number of its run."""
        messages, self._messages = self._messages, []
        return messages

    def stop(self) -> None:
        """Ask all runs to stop: with a checkpoint; the second time, at once."""
        self._stops += 1

    def claim(self, job: Job) -> int:
        """Take the lock of a run's folder on this machine, for a run whose machine does not see the folder.

        Returns:
            A ticket for its files, 1 or more; 0 where another process has the lock, or has made the run.

        Raises:
            OSError: the folder cannot be written.
        """
        folder = job.folder
        delivery = self._deliveries.get(folder)
        if delivery is None:
            delivery = _Delivery()
            if not folder.exists() and _former(folder).exists():  # a delivery was killed half-way
                _former(folder).rename(folder)
            folder.mkdir(parents=True, exist_ok=True)
            try:
                delivery.claim.enter_context(locked(folder, CLAIM))
            except LockedError:
                return 0
            if read_result(job) is not None:
                delivery.claim.close()
                return 0
            self._deliveries[folder] = delivery
        shutil.rmtree(_staging(folder), ignore_errors=True)
        delivery.ticket += 1
        return delivery.ticket

    def files(self, folder: Path) -> list[str]:
        """The files of a run's folder, seen from there; locks and links are none."""
        return [str(path.relative_to(folder)) for path in files_below(folder)]

    def read(self, folder: Path, name: str, start: int) -> bytes:
        """A piece of a file in a run's folder from a byte on; empty at its end."""
        with (folder / name).open("rb") as file:
            file.seek(start)
            return file.read(CHUNK)

    def write(self, folder: Path, ticket: int, name: str, data: bytes) -> bool:
        """Append to a file that comes from another machine; False where the ticket is no longer good.

        Raises:
            OSError: it cannot be written.
        """
        if not self._is_good(folder, ticket):
            return False
        path = _staging(folder) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.write(data)
        return True

    def deliver(self, folder: Path, ticket: int, result: Path, name: str) -> bool:
        """Put the files that came in the place of a run's folder, and release its lock.

        Args:
            folder: of the run.
            ticket: that the files came with.
            result: where the run's result goes.
            name: which of the files that is, if it is among them.

        Returns:
            Whether the ticket was good.

        Raises:
            OSError: something cannot be written.
        """
        if not self._is_good(folder, ticket):
            return False
        staging = _staging(folder)
        staging.mkdir(exist_ok=True)
        if (staging / name).exists():
            result.parent.mkdir(parents=True, exist_ok=True)
            atomic_write(result, (staging / name).read_bytes())
            (staging / name).unlink()
        former = _former(folder)
        shutil.rmtree(former, ignore_errors=True)
        folder.rename(former)
        staging.rename(folder)
        shutil.rmtree(former)
        self.release(folder)
        return True

    def release(self, folder: Path) -> None:
        """Release the lock of a run's folder, if it is taken, and remove what came of files."""
        delivery = self._deliveries.pop(folder, None)
        if delivery is not None:
            shutil.rmtree(_staging(folder), ignore_errors=True)
            delivery.claim.close()

    def _is_good(self, folder: Path, ticket: int) -> bool:
        return folder in self._deliveries and self._deliveries[folder].ticket == ticket


def files_below(folder: Path) -> Iterator[Path]:
    """The files of a run's folder, in order; locks and links are none."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink() and path.name not in _LOCKS:
            yield path


def _staging(folder: Path) -> Path:
    """Where files wait until all of them are there."""
    return folder.with_name(f".{folder.name}{UNFINISHED}")


def _former(folder: Path) -> Path:
    """Where a run's folder is while the one that was sent takes its place."""
    return folder.with_name(f".{folder.name}.former")
