"""Progress with the time left: a bar on a terminal, a few plain lines elsewhere."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Advance(Protocol):
    """Called with how much is done and how much is planned."""

    def __call__(self, done: int, total: int) -> None:
        """Note that `done` of `total` is done."""


@contextmanager
def progress(what: str, unit: str | None = None) -> Iterator[Advance]:
    """Show on stderr how far a piece of work is, in units (None: per cent), for as long as the block runs."""
    if sys.stderr.isatty():
        with _bar(what, unit) as advance:
            yield advance
    else:
        yield PlainLines(what, unit)


@contextmanager
def _bar(what: str, unit: str | None) -> Iterator[Advance]:
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    from hyperrl.cli.show import console

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        MofNCompleteColumn() if unit else TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console(stderr=True), transient=True, speed_estimate_period=60) as shown:
        bar = shown.add_task(what, total=None)

        def advance(done: int, total: int) -> None:
            shown.update(bar, completed=done, total=total)

        yield advance


class PlainLines:
    """One line for every tenth of the work, but none for work that is done in seconds."""

    def __init__(self, what: str, unit: str | None = None, quiet_seconds: float = 10.0) -> None:
        self.what, self.unit = what, unit
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
        far = f"{done:,} of {total:,} {self.unit}" if self.unit else f"{done / total:.0%}"
        print(f"hyperrl: {self.what}: {far}, {clock(left)} left", file=sys.stderr, flush=True)


def clock(seconds: float) -> str:
    """Seconds as h:mm:ss or m:ss."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
