"""From an exception to an exit status and a line on stderr."""

import os
import re
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import TextIOWrapper
from typing import Any

import typer

from hyperrl import interrupts
from hyperrl.errors import BaseEnvironmentError, DivergenceError, UnwritableError, UserError

DONE, OURS, USER, INTERRUPTED = 0, 1, 2, 130

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
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(
            errors="backslashreplace"
        )  # A path or a recipe may hold what a terminal cannot show.
    try:
        with interrupts.raising():
            yield outcome
        sys.stdout.flush()
        if outcome.status == INTERRUPTED:  # as Typer tells of a KeyboardInterrupt
            _interrupted("interrupted")
    except UserError as mistake:
        outcome.status = told(str(mistake))
    except (BaseEnvironmentError, DivergenceError, UnwritableError) as end:
        outcome.status = told(str(end), OURS)
    except UsageMistake as mistake:
        outcome.status = told(usage_line(mistake))
    except (KeyboardInterrupt, typer.Abort):
        outcome.status = _interrupted("interrupted")
    except Interrupted as stop:
        outcome.status = _interrupted(str(stop))
    except BrokenPipeError:
        # Whoever read our output has gone (`hyperrl list | head`); stdout must not be flushed again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        outcome.status = OURS
    except Exception as fault:
        traceback.print_exc()
        print(f"hyperrl: internal error: {one_line(f'{type(fault).__name__}: {fault}')}", file=sys.stderr)
        outcome.status = OURS


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
