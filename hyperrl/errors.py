"""What is told in one line: a mistake that the user can put right, and a training that cannot go on."""

import difflib
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

NOT_A_FAILURE = (KeyboardInterrupt, GeneratorExit)
"""What comes out of another's code without being its failure; all else is, even what is no Exception."""

_LISTED = 160
_ON_COMMAND_LINE: ContextVar[bool] = ContextVar("on_command_line", default=False)


class UserError(Exception):
    """A mistake of the user's, told in one line that names what was found and what is allowed."""

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(line.strip() for line in message.splitlines()))


class HyperRLWarning(UserWarning):
    """Something that a user should know, though the work goes on; one line."""


class DivergenceError(Exception):
    """Training came upon numbers that are not finite; the message says where, and what is kept."""


class UnwritableError(Exception):
    """Training cannot go on as its run can no longer be written; the message says why, and what is kept."""


class BaseEnvironmentError(Exception):
    """A base environment failed; the message says how, in which task and at which step, in one line.

    Attributes:
        trace: the base environment's own traceback, as text.
    """

    def __init__(self, message: str, trace: str = "") -> None:
        super().__init__(" ".join(line.strip() for line in message.splitlines()), trace)
        self.trace = trace

    def __str__(self) -> str:
        return str(self.args[0])


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The tail of a message about an unknown name: the nearest one, then all of them where they are few.

    Args:
        name: what was found.
        known: the valid names, in the order in which to list them.

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
    """The known name that is closest to a wrong one, upper and lower case alike; None where none is close."""
    folded = {each.casefold(): each for each in reversed(list(known))}
    close = difflib.get_close_matches(name[:100].casefold(), folded, n=1, cutoff=0.6)
    return folded[close[0]] if close else None


def check_known(where: str, kind: str, names: Iterable[object], known: Collection[str]) -> None:
    """Refuse names that are not known.

    Args:
        where: how the message begins.
        kind: what the names are of: "feature", "split".
        names: what was found.
        known: the valid names, in the order in which to list them.

    Raises:
        UserError: at the first unknown name; the nearest one is offered.
    """
    for name in names:
        if name not in known:
            raise UserError(f"{where}: unknown {kind} {name!r}{did_you_mean(str(name), known)}")


@contextmanager
def on_command_line() -> Iterator[None]:
    """Within it, messages name options of the command line; elsewhere they name arguments in Python."""
    token = _ON_COMMAND_LINE.set(True)
    try:
        yield
    finally:
        _ON_COMMAND_LINE.reset(token)


def spelled(python: str, command_line: str) -> str:
    """How a message names an argument: as the user writes it, who is in Python or on the command line."""
    return command_line if _ON_COMMAND_LINE.get() else python
