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


IS_COMMAND = starts_command(sys.orig_argv)
if IS_COMMAND:
    for _number in SIGNALS:
        if _signal.getsignal(_number) is not _signal.SIG_IGN:
            _signal.signal(_number, exit_at_once)
