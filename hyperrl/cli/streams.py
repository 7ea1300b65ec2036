"""Keeps the command's standard streams usable: closed, on a full device, or read by nobody any more."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from typing import Any, TextIO, cast


class OutputError(Exception):
    """Standard output cannot be written.

    Attributes:
        errno: the system's error number.
    """

    def __init__(self, number: int) -> None:
        super().__init__(f"standard output cannot be written ({os.strerror(number)})")
        self.errno = number


class _Output(io.FileIO):
    """Standard output: raises OutputError at the first failed write, and discards everything after it."""

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
    """Standard error: discards messages that cannot be written, since work goes on without them."""

    def write(self, data: Any) -> int:
        with suppress(OSError):
            return super().write(data)
        return len(data)


@contextmanager
def guard() -> Iterator[None]:
    """Replace the process's own stdout and stderr by the above; characters they cannot encode are escaped."""
    before = sys.stdout, sys.stderr
    _open_missing_descriptors()
    if before[0] is sys.__stdout__:
        sys.stdout = _text(_Output(1, "w", closefd=False), before[0])
    if before[1] is sys.__stderr__:
        sys.stderr = _text(_Messages(2, "w", closefd=False), before[1])
    try:
        yield
    finally:
        with suppress(OutputError):  # The command has ended for another reason.
            sys.stdout.flush()
        sys.stdout, sys.stderr = before


@contextmanager
def stdout_to_stderr(enabled: bool) -> Iterator[None]:
    """Send to stderr what others print, such as base environments and their processes, if enabled.

    Standard output is then free for the one result that a command prints after the block.
    """
    if not enabled:
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


def _open_missing_descriptors() -> None:
    """Open descriptors 0 to 2 where they are closed, so that no file that is opened later gets one of them.

    Standard output gets a file that cannot be written, so that the first write fails.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, os.O_WRONLY if number == 2 else os.O_RDONLY)
            os.set_inheritable(opened, True)  # as standard streams are


def _text(raw: io.FileIO, like: TextIO | None) -> TextIO:
    stream = io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=getattr(like, "encoding", None),
        errors="backslashreplace",
        line_buffering=raw.isatty() or raw.fileno() == 2,
    )
    return cast(TextIO, stream)
