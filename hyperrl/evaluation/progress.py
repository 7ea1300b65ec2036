"""Telling how far a piece of work is."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol, runtime_checkable

Progress = Callable[[int, int], None]
"""Called with what is done and what is planned. One that is a `Reporter` is told more."""

INTERVAL = 0.1


@runtime_checkable
class Reporter(Protocol):
    """A progress hook that also takes what a training is at."""

    def __call__(self, done: int, total: int) -> None:
        """Note what is done and planned."""

    def phase(self, name: str, share: float | None = None) -> None:
        """Note what goes on: `collecting`, `training`, `evaluating` (and its share done) or `stopping`."""

    def reached(self, mean_return: float) -> None:
        """Note the mean return of the latest training episodes."""


def report_phase(hook: Progress | None, name: str) -> None:
    """Tell a hook that is a reporter what begins."""
    if isinstance(hook, Reporter):
        hook.phase(name)


def share_of(hook: Progress | None, name: str) -> Progress | None:
    """A hook for a part of the work, told to a reporter as the share of that phase."""
    if not isinstance(hook, Reporter):
        return None
    reporter = hook
    return lambda done, total: reporter.phase(name, done / total)


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
