"""Progress with the time left: a bar on a terminal, a few plain lines elsewhere."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Advance(Protocol):
    """Called with the steps done and the steps planned."""

    def __call__(self, done: int, total: int) -> None:
        """Note that `done` of `total` steps are taken."""


@contextmanager
def progress(what: str) -> Iterator[Advance]:
    """Show on stderr how far a piece of work is, for as long as the block runs."""
    if sys.stderr.isatty():
        with _bar(what) as advance:
            yield advance
    else:
        yield PlainLines(what)


@contextmanager
def _bar(what: str) -> Iterator[Advance]:
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    from hyperrl.cli.show import console

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console(stderr=True), transient=True, speed_estimate_period=60) as shown:
        bar = shown.add_task(what, total=None)

        def advance(done: int, total: int) -> None:
            shown.update(bar, completed=done, total=total)

        yield advance


@contextmanager
def busy(what: str) -> Iterator[None]:
    """On a terminal, show on stderr that a piece of work of unknown length goes on."""
    if not sys.stderr.isatty():
        yield
        return
    from hyperrl.cli.show import console

    with console(stderr=True).status(what):
        yield


class PlainLines:
    """One line for every tenth of the work, but none for work that is done in seconds."""

    def __init__(self, what: str, quiet_seconds: float = 10.0) -> None:
        self.what = what
        self.quiet_seconds = quiet_seconds
        self.started = self.said = 0.0
        self.first: int | None = None
        self.tenths = 0

    def __call__(self, done: int, total: int) -> None:
        """Print a line where another tenth is done and the last line is `quiet_seconds` old."""
        now = time.monotonic()
        if self.first is None:
            self.first, self.started, self.said = done, now, now
        tenths = 10 * done // total
        if tenths <= self.tenths or now - self.said < self.quiet_seconds or done <= self.first:
            return
        self.tenths, self.said = tenths, now
        left = (now - self.started) / (done - self.first) * (total - done)
        print(
            f"hyperrl: {self.what}: {done:,} of {total:,} steps, {clock(left)} left",
            file=sys.stderr,
            flush=True,
        )


def clock(seconds: float) -> str:
    """Seconds as h:mm:ss or m:ss."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
