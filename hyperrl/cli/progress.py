"""Progress with the time left: a bar on a terminal, a plain line every few seconds elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from hyperrl.cli.meter import STOPPING, Meter, clock

_EVERY, _SELDOM = 5.0, 60.0
"""Seconds between two lines, at first and after hours: a twentieth of the time gone, between these."""

_WIDE = 110
"""Columns of a terminal that shows the work's name beside the bar without breaking the line."""
_PATIENCE = 2.0
"""Seconds that a stop may take without a word."""


@contextmanager
def progress(what: str, unit: str | None = None, start: str = "") -> Iterator[Meter]:
    """Show on stderr how far a piece of work is, for as long as the block runs.

    Args:
        what: the work.
        unit: of what is done; None: per cent.
        start: the phase that it begins with.
    """
    if sys.stderr.isatty():
        with _bar(what, Meter(unit, start)) as meter:
            yield meter
    else:
        yield PlainLines(what, unit, start)


@contextmanager
def _bar(what: str, meter: Meter) -> Iterator[Meter]:
    from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
    from rich.text import Text

    from hyperrl.cli.console import console

    class Words(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text("  ".join(meter.words))

    class Bar(BarColumn):
        def render(self, task: Task) -> object:  # type: ignore[override]
            task.total, task.completed = meter.total or None, meter.done
            return super().render(task)

    class Times(ProgressColumn):
        def render(self, task: Task) -> Text:
            left = meter.left
            return Text(f"{clock(meter.gone)} gone" + ("" if left is None else f", {clock(left)} left"))

    shown_on = console(stderr=True)
    named = (TextColumn("{task.description}"),) if shown_on.width >= _WIDE else ()
    columns = (*named, Bar(bar_width=None), Words(), Times())
    with Progress(*columns, console=shown_on, transient=True) as shown:
        shown.add_task(what, total=None)
        yield meter


class PlainLines(Meter):
    """A line every few seconds, later on a line a minute; none for work that is done in seconds."""

    def __init__(self, what: str, unit: str | None = None, start: str = "") -> None:
        super().__init__(unit, start)
        self._what, self._said = what, self.began
        self._stopping = False

    def __call__(self, done: int, total: int) -> None:
        """Note how much is done, and say so where the last line is old enough."""
        super().__call__(done, total)
        self._say()

    def phase(self, name: str, share: float | None = None) -> None:
        """Note what goes on, and say so where the last line is old enough."""
        super().phase(name, share)
        if self.name != STOPPING:  # a signal's handler says nothing
            self._say()

    def _say(self) -> None:
        waits = self.name == STOPPING and time.monotonic() - self.since > _PATIENCE
        stops = waits and not self._stopping
        due = min(max(_EVERY, self.gone / 20), _SELDOM)
        if self.began + self.gone - self._said < due and not stops:
            return
        self._stopping |= stops
        self._said = self.began + self.gone
        left = self.left
        words = [*self.words, *([] if left is None else [f"{clock(left)} left"])]
        print(f"hyperrl: {self._what}: {', '.join(words)}", file=sys.stderr, flush=True)
