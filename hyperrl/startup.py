"""Handles signals from a command's first line on, before anything that takes time is imported.

Python itself starts in some 15 milliseconds, and reacts to a signal in its own way until it comes here.
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
"""Where a progress bar hid it, and what it wrote on its line is removed."""


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
    """Whether memory ran out, as Python, torch and the loader of compiled modules say it."""
    while error is not None:
        said = str(error).lower()
        if isinstance(error, MemoryError) or any(sign in said for sign in _NO_MEMORY):
            return True
        error = error.__cause__ or error.__context__
    return False


def _explain(kind: type[BaseException], error: BaseException, trace: object) -> None:
    """In place of a traceback of what fails before the command line is there to explain it."""
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
