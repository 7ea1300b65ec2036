"""Errors and warnings whose message is one line for the user, and the parts of such messages."""

import difflib
import os
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from hyperrl.startup import MEMORY, out_of_memory

NOT_A_FAILURE = (KeyboardInterrupt, GeneratorExit)
"""Raised from a base environment without being its failure; anything else is one, Exception or not."""

_LISTED = 160
_ON_COMMAND_LINE: ContextVar[bool] = ContextVar("on_command_line", default=False)


class UserError(Exception):
    """A mistake of the user. The message is one line that names what was found and what is allowed."""

    def __init__(self, message: str) -> None:
        super().__init__(_one_line(message))


class HyperRLWarning(UserWarning):
    """A line that the user should read, though the work goes on."""


class DivergenceError(Exception):
    """Training met numbers that are not finite. The message says where, and which checkpoint is kept."""


class UnwritableError(Exception):
    """A run can no longer be written. The message says why, and which checkpoint is kept."""


class EngineError(Exception):
    """What makes the runs of a suite, such as a cluster, does not start or is lost. The message says why."""


class BaseEnvironmentError(Exception):
    """A base environment failed. The message is one line: how, in which task and at which step.

    Attributes:
        trace: the base environment's own traceback, as text.
    """

    def __init__(self, message: str, trace: str = "") -> None:
        super().__init__(_one_line(message), trace)
        self.trace = trace

    def __str__(self) -> str:
        return str(self.args[0])


def explanation(error: BaseException) -> str | None:
    """What an error means to the user, in one line, without a traceback; None where only that would help."""
    match error:
        case UserError() | BaseEnvironmentError() | DivergenceError() | UnwritableError() | EngineError():
            return _one_line(str(error))
        case OSError(filename=str() | bytes() as file, strerror=str()):
            return f"{os.fsdecode(file)!r}: {error.strerror}"
        case _ if out_of_memory(error):
            return MEMORY
    return None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The end of a message about an unknown name: the most similar one, and all of them if they are few.

    Args:
        name: the unknown name.
        known: the valid names, in the order of the list.

    Returns:
        "; did you mean 'ode'? known: cartpole, ode", "; known: cartpole, ode", or "" where nothing helps.
    """
    names = list(dict.fromkeys(known))
    close = nearest(name, names)
    listed = ", ".join(names)
    short = f"known: {listed}" if 0 < len(listed) <= _LISTED else ""
    if close:
        return f"; did you mean {close!r}?" + (f" {short}" if short and len(names) > 1 else "")
    return f"; {short}" if short else ""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that is most similar to a wrong one, in any case of letters; None if none is similar."""
    folded = {each.casefold(): each for each in reversed(list(known))}
    close = difflib.get_close_matches(name[:100].casefold(), folded, n=1, cutoff=0.6)
    return folded[close[0]] if close else None


def check_known(where: str, kind: str, names: Iterable[object], known: Collection[str]) -> None:
    """Refuse names that are not known.

    Args:
        where: how the message begins.
        kind: what the names name: "feature", "split".
        names: the names to check.
        known: the valid names, in the order of the list.

    Raises:
        UserError: for the first unknown name; it offers the most similar known one.
    """
    for name in names:
        if name not in known:
            raise UserError(f"{where}: unknown {kind} {name!r}{did_you_mean(str(name), known)}")


@contextmanager
def on_command_line(is_so: bool = True) -> Iterator[None]:
    """A context in which messages name options of the command line; elsewhere they name Python arguments.

    Args:
        is_so: what `is_on_command_line` said in the process that this one works for.
    """
    token = _ON_COMMAND_LINE.set(is_so)
    try:
        yield
    finally:
        _ON_COMMAND_LINE.reset(token)


def is_on_command_line() -> bool:
    """Whether messages name options of the command line."""
    return _ON_COMMAND_LINE.get()


def user_syntax(python: str, command_line: str) -> str:
    """An argument as the user writes it: in Python, or within `on_command_line` as an option."""
    return command_line if is_on_command_line() else python


def _one_line(text: str) -> str:
    return " ".join(line.strip() for line in text.splitlines())
