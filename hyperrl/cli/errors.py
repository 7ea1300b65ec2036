"""From an exception to an exit status and a line on stderr."""

import errno
import os
import re
import sys
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import typer

from hyperrl import interrupts
from hyperrl.cli import streams
from hyperrl.cli.streams import OutputError
from hyperrl.errors import (
    BaseEnvironmentError,
    DivergenceError,
    HyperRLWarning,
    UnwritableError,
    UserError,
)
from hyperrl.startup import MEMORY, out_of_memory

DONE, OURS, USER, INTERRUPTED = 0, 1, 2, 130
NO_READER = 141
"""Whoever read the output has gone (`hyperrl list | head -1`): 128 + SIGPIPE, as of other tools."""

# The base class of Typer's usage errors moved between its versions; the exported one inherits from it.
UsageMistake: Any = typer.BadParameter.__mro__[2]


@dataclass
class Outcome:
    """How a command ended."""

    status: int | None = None


class Interrupted(BaseException):
    """The user interrupted the command; the message says how to go on."""


@contextmanager
def held() -> Iterator[Outcome]:
    """Catch whatever a command raises, print the line that belongs to it and note the exit status."""
    outcome = Outcome()
    with streams.guarded(), _warning_in_a_line():
        try:
            with interrupts.raising():
                yield outcome
                sys.stdout.flush()
            if outcome.status == INTERRUPTED:  # as Typer tells of a KeyboardInterrupt
                _interrupted("interrupted")
        except (KeyboardInterrupt, typer.Abort):
            outcome.status = _interrupted("interrupted")
        except Interrupted as stop:
            outcome.status = _interrupted(str(stop))
        except Exception as end:
            outcome.status = _explained(end)


@contextmanager
def _warning_in_a_line() -> Iterator[None]:
    """Show our own warnings as one line on stderr; others stay as Python shows them."""
    usual = warnings.showwarning

    def show(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
        if issubclass(category, HyperRLWarning):
            print(f"hyperrl: warning: {one_line(str(message))}", file=sys.stderr)
        else:
            usual(message, category, *where, **more)

    warnings.showwarning = show
    try:
        yield
    finally:
        warnings.showwarning = usual


def find_working_folder() -> None:
    """UserError where it has been removed, upon which libraries end the process in ways of their own."""
    try:
        os.getcwd()
    except OSError as error:
        raise UserError(f"the working directory cannot be found ({error.strerror})") from error


def _explained(end: Exception) -> int:
    """Print why a command ended early; the exit status."""
    match end:
        case UserError():
            return told(str(end))
        case BaseEnvironmentError() | DivergenceError() | UnwritableError():
            return told(str(end), OURS)
        case UsageMistake():
            return told(usage_line(end))
        case OutputError():
            return NO_READER if end.errno == errno.EPIPE else told(str(end), OURS)
        case OSError(filename=str() | bytes() as file, strerror=str()):
            return told(f"{os.fsdecode(file)!r}: {end.strerror}")
    if out_of_memory(end):
        return told(MEMORY)
    traceback.print_exc()
    print(f"hyperrl: internal error: {one_line(f'{type(end).__name__}: {end}')}", file=sys.stderr)
    return OURS


def _interrupted(message: str) -> int:
    print(f"hyperrl: {one_line(message)}", file=sys.stderr)
    return INTERRUPTED


def told(message: str, status: int = USER) -> int:
    """Print as one line why there is no result, and return the exit status."""
    print(f"hyperrl: error: {one_line(message)}", file=sys.stderr)
    return status


def one_line(text: str) -> str:
    """Join lines and show control characters as escapes, so that no message moves the terminal's cursor."""
    joined = re.sub(r"\s*[\r\n]+\s*", " ", text.strip())
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in joined)


def usage_line(mistake: Any) -> str:
    """What Typer says about a wrong option or argument, with where to read more."""
    said = mistake.format_message().rstrip(".")
    context = getattr(mistake, "ctx", None)
    return f"{said} (see `{context.command_path} --help`)" if context else said
