"""Progress hooks: functions that are called with the work done and planned."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Progress = Callable[[int, int], None]
"""Called with what is done and what is planned. A `Reporter` is told more."""

INTERVAL = 0.1
"""Seconds between two calls of a hook by a `Ticker`."""


@runtime_checkable
class Reporter(Protocol):
    """A progress hook that also takes the phase of a training and the returns that it reaches."""

    def __call__(self, done: int, total: int) -> None:
        """Note what is done and planned."""

    def phase(self, name: str, share: float | None = None) -> None:
        """Note what goes on: `collecting`, `training`, `evaluating` (and its share done) or `stopping`."""

    def reached(self, mean_return: float) -> None:
        """Note the mean return of the latest training episodes."""


@runtime_checkable
class ValidationReporter(Protocol):
    """A progress hook that also takes the validation returns that a training reaches."""

    def validated(self, best: float, steps: int) -> None:
        """Note the highest validation return so far, after an evaluation at so many environment steps."""


class SilentReporter:
    """A reporter that takes no notice."""

    def __call__(self, done: int, total: int) -> None:
        """Ignore what is done and planned."""

    def phase(self, name: str, share: float | None = None) -> None:
        """Ignore the phase."""

    def reached(self, mean_return: float) -> None:
        """Ignore the mean return."""


class ForwardingReporter:
    """A reporter that hands on to another one; inherit from it to do something else besides."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter

    def __call__(self, done: int, total: int) -> None:
        """Hand on what is done and planned."""
        self._reporter(done, total)

    def phase(self, name: str, share: float | None = None) -> None:
        """Hand on the phase."""
        self._reporter.phase(name, share)

    def reached(self, mean_return: float) -> None:
        """Hand on the mean return of training episodes."""
        self._reporter.reached(mean_return)

    def validated(self, best: float, steps: int) -> None:
        """Hand on the highest validation return, to one that takes it."""
        if isinstance(self._reporter, ValidationReporter):
            self._reporter.validated(best, steps)


def report_phase(hook: Progress | None, name: str) -> None:
    """Tell a hook, if it is a reporter, which phase begins."""
    if isinstance(hook, Reporter):
        hook.phase(name)


def share_of(hook: Progress | None, name: str) -> Progress | None:
    """A hook for one phase, which tells a reporter the share of the phase that is done; None for others."""
    if not isinstance(hook, Reporter):
        return None
    phase = hook.phase
    return lambda done, total: phase(name, done / total)


def run_progress(hook: Progress | None, run: int, runs: int) -> Progress | None:
    """A hook for one of several runs that plan equally much, where `hook` is told of all of them."""
    if hook is None:
        return None
    return lambda done, total: hook(run * total + done, runs * total)


def parts_of(hook: Progress | None, amounts: Sequence[int]) -> list[Progress | None]:
    """Hooks for parts of the work that follow each other, where `hook` is told of all of them.

    Args:
        hook: of the whole work.
        amounts: the work of each part, in one unit.
    """

    def part(before: int, amount: int) -> Progress | None:
        if hook is None:
            return None
        return lambda done, total: hook(before + done * amount // total, sum(amounts))

    return [part(sum(amounts[:number]), amount) for number, amount in enumerate(amounts)]


class Ticker:
    """Calls a hook at most about ten times a second, however often it is called itself."""

    def __init__(self, hook: Progress) -> None:
        self._hook = hook
        self._last_call = float("-inf")

    def __call__(self, done: int, total: int) -> None:
        """Call the hook, if its last call is long enough ago."""
        if time.monotonic() - self._last_call > INTERVAL:
            self.call(done, total)

    def call(self, done: int, total: int) -> None:
        """Call the hook in any case."""
        self._last_call = time.monotonic()
        self._hook(done, total)


class EpisodeProgress:
    """Reports how far the episodes are, each counted as long as an episode can be."""

    def __init__(self, hook: Progress | None, longest: int, episodes: int) -> None:
        self._tick = None if hook is None else Ticker(hook)
        self._longest, self._total = longest, episodes * longest
        self._done = 0

    def __call__(self, lengths: NDArray[np.int64], running: NDArray[np.bool_]) -> None:
        """Report the lengths so far of the episodes under way, and which of them still run."""
        if self._tick is None:
            return
        steps = np.where(running, np.minimum(lengths, self._longest - 1), self._longest)
        done = self._done + int(steps.sum())
        if running.any():
            self._tick(done, self._total)
        else:
            self._done = done
            self._tick.call(done, self._total)
