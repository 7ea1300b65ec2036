"""What Ctrl-C, SIGTERM and a closed terminal do while work goes on."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

from hyperrl.startup import IS_COMMAND, SIGNALS, exit_at_once

_ours: set[Any] = {exit_at_once}


@contextmanager
def raising() -> Iterator[None]:
    """Raise KeyboardInterrupt where a signal comes; outside of the main thread nothing changes.

    In the command, a signal that comes in the midst of an import ends the process at once: compiled modules
    print or swallow what is raised while they load.
    """
    with handling(_raise):
        yield


@contextmanager
def handling(handler: Any) -> Iterator[None]:
    """Handle signals by `handler(number, frame)`, but those that are ignored or have another's handler."""
    before = {}
    added = handler not in _ours
    _ours.add(handler)
    try:
        for number in SIGNALS:
            former = signal.getsignal(number)
            if former in (signal.SIG_DFL, signal.default_int_handler) or former in _ours:
                with suppress(ValueError):  # another thread than the main one
                    signal.signal(number, handler)
                    before[number] = former
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former)
        if added:
            _ours.discard(handler)


def _raise(_: int, frame: FrameType | None) -> None:
    if IS_COMMAND and _importing(frame):
        exit_at_once()
    raise KeyboardInterrupt


def _importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False
