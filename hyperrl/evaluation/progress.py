"""Telling how far a piece of work is."""

from __future__ import annotations

import time
from collections.abc import Callable

Progress = Callable[[int, int], None]
"""Called with what is done and what is planned."""

INTERVAL = 0.1


class Ticker:
    """Hands on to a hook, about ten times a second however often it is asked."""

    def __init__(self, hook: Progress) -> None:
        self._hook = hook
        self._told = float("-inf")

    def __call__(self, done: int, total: int) -> None:
        """Tell the hook, where the last time is long enough ago."""
        if time.monotonic() - self._told > INTERVAL:
            self.tell(done, total)

    def tell(self, done: int, total: int) -> None:
        """Tell the hook in any case."""
        self._told = time.monotonic()
        self._hook(done, total)
