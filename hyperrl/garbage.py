"""Pauses Python's garbage collector while large modules are imported."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from hyperrl.startup import IS_COMMAND


@contextmanager
def collection_paused() -> Iterator[None]:
    """Pause the garbage collector, and let it go on afterwards where it ran before.

    Importing torch makes about a million objects that all stay. To look through them for garbage over and
    over takes a tenth of the time. In the command's own process they are also left out later (`gc.freeze`).
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        if IS_COMMAND:
            gc.freeze()
        gc.enable()
