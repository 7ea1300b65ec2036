"""Turns an exception into an exit status and a line on stderr."""

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
    EngineError,
    HyperRLWarning,
    UnwritableError,
    UserError,
    explanation,
)

DONE, OURS, USER, INTERRUPTED = 0, 1, 2, 130
NO_READER = 141
"""Nobody reads the output any more (`hyperrl list | head -1`): 128 + SIGPIPE, as with other tools."""

# The base class of Typer's usage errors moved between its versions; the exported one inherits from it.
UsageMistake: Any = typer.BadParameter.__mro__[2]


@dataclass
class Outcome:
    """How a command ended."""

    status: int | None = None


class Interrupted(BaseException):
    """The user interrupted the command; the message says how to go on."""


@contextmanager
def report() -> Iterator[Outcome]:
    """Catch every exception of a command, print the line that explains it and set the exit status."""
    outcome = Outcome()
    with streams.guard(), _one_line_warnings():
        try:
            with interrupts.raising():
                yield outcome
                sys.stdout.flush()
            if outcome.status == INTERRUPTED:  # Typer returns it for a KeyboardInterrupt.
                _print("interrupted")
        except (KeyboardInterrupt, typer.Abort, Interrupted) as stop:
            _print(str(stop) or "interrupted")
            outcome.status = INTERRUPTED
        except Exception as error:
            outcome.status = _explain(error)


@contextmanager
def _one_line_warnings() -> Iterator[None]:
    """Show HyperRL's own warnings as one line on stderr; others stay as Python shows them."""
    default = warnings.showwarning

    def show(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
        if issubclass(category, HyperRLWarning):
            _print(f"warning: {message}")
        else:
            default(message, category, *where, **more)

    warnings.showwarning = show
    try:
        yield
    finally:
        warnings.showwarning = default


def check_working_folder() -> None:
    """Raise a UserError where the working folder has been removed: libraries would fail in obscure ways."""
    try:
        os.getcwd()
    except OSError as error:
        raise UserError(f"the working directory cannot be found ({error.strerror})") from error


def _explain(error: Exception) -> int:
    """Print why a command ended early, and return the exit status."""
    message, status = explanation(error), USER
    match error:
        case OutputError(errno=errno.EPIPE):
            return NO_READER
        case OutputError():
            message, status = str(error), OURS
        case BaseEnvironmentError() | DivergenceError() | UnwritableError() | EngineError():
            status = OURS
        case UsageMistake(ctx=context):
            message = error.format_message().rstrip(".")
            message += f" (see `{context.command_path} --help`)" if context else ""
    if message is None:
        traceback.print_exc()
        _print(f"internal error: {type(error).__name__}: {error}")
        return OURS
    _print(f"error: {message}")
    return status


def _print(message: str) -> None:
    print(f"hyperrl: {one_line(message)}", file=sys.stderr)


def one_line(text: str) -> str:
    """Join lines and escape control characters, so that no message moves the terminal's cursor."""
    joined = re.sub(r"\s*[\r\n]+\s*", " ", text.strip())
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in joined)
