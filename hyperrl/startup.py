"""Handles signals of a command from its first line on, before slow imports.

Python needs about 15 milliseconds to come here. A signal before has Python's own effect.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # `signal` itself takes milliseconds
import os
import sys

INTERRUPTED = 130
SIGNALS = tuple(
    getattr(_signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(_signal, name)
)  # Windows has no SIGHUP
MEMORY = "not enough memory; a limit may be too low (`ulimit -v` shows it; training needs some 1,000,000)"
_NO_MEMORY = ("cannot allocate memory", "can't allocate memory", "failed to map segment", "start new thread")
_SHOW_CURSOR = b"\x1b[?25h\r\x1b[K"
"""Shows the cursor, which a progress bar hides, and clears the line."""


def starts_command(argv: list[str]) -> bool:
    """Whether a process with these arguments (`sys.orig_argv`) is `hyperrl` or `python -m hyperrl`."""
    arguments = iter(argv[1:])
    for argument in arguments:
        if argument in ("-X", "-W"):
            next(arguments, None)
        elif argument.startswith("-m"):
            return (argument[2:] or next(arguments, "")) == "hyperrl"
        elif argument == "-" or argument.startswith("-c"):
            return False
        elif not argument.startswith("-"):
            return os.path.basename(argument).removesuffix(".exe") == "hyperrl"
    return False


def exit_at_once(*_: object) -> None:
    """A signal's handler that ends the process with one line and status 130."""
    try:
        if os.isatty(2):
            os.write(2, _SHOW_CURSOR)
        os.write(2, b"hyperrl: interrupted\n")
    except OSError:
        pass  # nobody is there to read it
    os._exit(INTERRUPTED)


def out_of_memory(error: BaseException | None) -> bool:
    """Whether an error means that memory ran out, in the words of Python, torch or the dynamic loader."""
    while error is not None:
        message = str(error).lower()
        if isinstance(error, MemoryError) or any(part in message for part in _NO_MEMORY):
            return True
        error = error.__cause__ or error.__context__
    return False


def _explain(kind: type[BaseException], error: BaseException, trace: object) -> None:
    """Exception hook until the command line explains errors: one line if memory ran out, else a traceback."""
    if out_of_memory(error):
        os.write(2, f"hyperrl: error: {MEMORY}\n".encode())
        os._exit(2)
    sys.__excepthook__(kind, error, trace)  # type: ignore[arg-type]


IS_COMMAND = starts_command(sys.orig_argv)
if IS_COMMAND:
    sys.excepthook = _explain
    for _number in SIGNALS:
        if _signal.getsignal(_number) is not _signal.SIG_IGN:
            _signal.signal(_number, exit_at_once)
