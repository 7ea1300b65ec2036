"""Standard streams of the command that are closed, on a full device, or read by nobody any more."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from typing import Any, TextIO, cast


class OutputError(Exception):
    """What a command prints cannot be written.

    Attributes:
        errno: the system's number of the reason.
    """

    def __init__(self, number: int) -> None:
        super().__init__(f"standard output cannot be written ({os.strerror(number)})")
        self.errno = number


class _Output(io.FileIO):
    """Standard output: raises OutputError once it cannot be written, and takes everything from then on."""

    _broken = False

    def write(self, data: Any) -> int:
        if self._broken:
            return len(data)
        try:
            return super().write(data)
        except OSError as error:
            self._broken = True
            raise OutputError(error.errno or errno.EIO) from error


class _Messages(io.FileIO):
    """Standard error: what nobody can read ends no work."""

    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except OSError:
            return len(data)


@contextmanager
def guarded() -> Iterator[None]:
    """Print through these where the process's own streams are in place; what they cannot show is escaped."""
    before = sys.stdout, sys.stderr
    _occupy()
    if before[0] is sys.__stdout__:
        sys.stdout = _text(_Output(1, "w", closefd=False), before[0])
    if before[1] is sys.__stderr__:
        sys.stderr = _text(_Messages(2, "w", closefd=False), before[1])
    try:
        yield
    finally:
        with suppress(OutputError):  # of a command that has ended in another way
            sys.stdout.flush()
        sys.stdout, sys.stderr = before


@contextmanager
def aside(wanted: bool) -> Iterator[None]:
    """Send what others print, as base environments and their processes do, to standard error, if `wanted`.

    Standard output is then for the one result that a command prints at its end.
    """
    if not wanted:
        yield
        return
    sys.stdout.flush()
    own = os.dup(1)
    os.dup2(2, 1)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        os.dup2(own, 1)
        os.close(own)


def _occupy() -> None:
    """Keep files that are opened later from the numbers of standard streams that are closed.

    Output gets what cannot be written, so that the first word of it is refused.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, os.O_WRONLY if number == 2 else os.O_RDONLY)
            os.set_inheritable(opened, True)  # as standard streams are


def _text(raw: io.FileIO, like: TextIO | None) -> TextIO:
    terminal = raw.isatty()
    stream = io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=getattr(like, "encoding", None),
        errors="backslashreplace",
        line_buffering=terminal or raw.fileno() == 2,
    )
    return cast(TextIO, stream)
