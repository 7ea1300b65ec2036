"""Progress with the time left on stderr: a bar on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

WINDOW = 120.0
"""The time left is estimated from at least this many past seconds."""
_MIN_SECONDS = 2.0
"""No time left is estimated from less."""
STOPPING = "stopping"
_PHASES = {"collecting": "collecting first experience", STOPPING: "stopping (once more: at once)"}

_MIN_INTERVAL, _MAX_INTERVAL = 5.0, 60.0
"""Seconds between two lines: a twentieth of the time gone, within these bounds."""
_SILENT_STOP = 2.0
"""Seconds that stopping may take before a line says what it waits for."""
_WIDE = 110
"""Columns of a terminal that also has room for the name of the work."""


class Meter:
    """Collects progress and tells it in words; a hook for `progress=` of the Python functions.

    The time left follows from the speed of the last two minutes or, where that is longer, of the second half
    of the current phase. The steps that an off-policy algorithm collects before it learns do not count.

    Args:
        unit: of the work done; None: percent.
        start: the phase in which the work begins, "" for none.
    """

    def __init__(self, unit: str | None = None, start: str = "") -> None:
        self.unit, self.name = unit, start
        self.done = self.total = 0
        self.start_time = self.phase_time = time.monotonic()
        self._share: float | None = None
        self._return: float | None = None
        self._measured_phase, self._measured_since = "", self.start_time
        self._samples: deque[tuple[float, int]] = deque()

    def __call__(self, done: int, total: int) -> None:
        """Note how much is done, and how much there is to do."""
        now = time.monotonic()
        self.done, self.total = done, total
        if self.name not in (self._measured_phase, STOPPING):
            self._measured_phase, self._measured_since = self.name, now
            self._samples.clear()
        window = max(WINDOW, (now - self._measured_since) / 2)
        if not self._samples or now - self._samples[-1][0] > window / 100:
            self._samples.append((now, done))
        while len(self._samples) > 1 and now - self._samples[1][0] > window:
            self._samples.popleft()
        self._changed()

    def phase(self, name: str, share: float | None = None) -> None:
        """Note the phase, and the share of it that is done; the phase `stopping` is the last one."""
        if self.name != STOPPING:
            self.name, self._share, self.phase_time = name, share, time.monotonic()
        if self.name != STOPPING:  # The handler of a signal sets that phase, and must not print.
            self._changed()

    def _changed(self) -> None:
        """Called after each change."""

    def reached(self, mean_return: float) -> None:
        """Note the mean return of the latest episodes."""
        self._return = mean_return

    @property
    def elapsed(self) -> float:
        """Seconds since the work began."""
        return time.monotonic() - self.start_time

    @property
    def left(self) -> float | None:
        """Estimated seconds until the work is done; None while too little is known."""
        if not self._samples or self.name in ("collecting", STOPPING):
            return None
        (since, first), now = self._samples[0], time.monotonic()
        if now - since < _MIN_SECONDS or self.done <= first:
            return None
        return (now - since) / (self.done - first) * (self.total - self.done)

    @property
    def words(self) -> list[str]:
        """Phase, work done and return so far, as far as they are known."""
        words = []
        if self.name:
            share = "" if self._share is None else f" ({self._share:.0%})"
            words.append(_PHASES.get(self.name, self.name) + share)
        if self.total and self.unit:
            words.append(f"{self.done:,} of {self.total:,} {self.unit}")
        elif self.total:
            words.append(f"{self.done / self.total:.0%}")
        if self._return is not None:
            words.append(f"return {self._return:.4g}")
        return words

    @property
    def words_left(self) -> list[str]:
        """The time left, where it is known."""
        return [] if self.left is None else [f"{clock(self.left)} left"]


class PlainLines(Meter):
    """Prints a line every few seconds, later every minute; none for work that takes seconds."""

    def __init__(self, what: str, unit: str | None = None, start: str = "") -> None:
        super().__init__(unit, start)
        self._what, self._last_line = what, self.start_time
        self._told_stop = False

    def _changed(self) -> None:
        now = time.monotonic()
        slow_stop = self.name == STOPPING and now - self.phase_time > _SILENT_STOP and not self._told_stop
        interval = min(max(_MIN_INTERVAL, self.elapsed / 20), _MAX_INTERVAL)
        if now - self._last_line < interval and not slow_stop:
            return
        self._told_stop |= slow_stop
        self._last_line = now
        print(
            f"hyperrl: {self._what}: {', '.join(self.words + self.words_left)}", file=sys.stderr, flush=True
        )


@contextmanager
def progress(what: str, unit: str | None = None, start: str = "") -> Iterator[Meter]:
    """Show on stderr how far a piece of work is, for as long as the block runs.

    Args:
        what: the work.
        unit: of the work done; None: percent.
        start: the phase in which it begins.
    """
    if not sys.stderr.isatty():
        yield PlainLines(what, unit, start)
        return
    from rich.live import Live
    from rich.progress_bar import ProgressBar
    from rich.table import Table

    from hyperrl.cli.console import console

    meter, terminal = Meter(unit, start), console(stderr=True)
    name = [what] if terminal.width >= _WIDE else []

    def bar() -> Table:
        row = Table.grid(*[""] * len(name), padding=(0, 1), expand=True)
        for ratio in (1, None, None):
            row.add_column(ratio=ratio, no_wrap=True)
        share = ProgressBar(meter.total or None, meter.done, pulse=not meter.total)
        times = ", ".join([f"{clock(meter.elapsed)} gone", *meter.words_left])
        row.add_row(*name, share, "  ".join(meter.words), times)
        return row

    with Live(get_renderable=bar, console=terminal, refresh_per_second=10, transient=True):
        yield meter


def clock(seconds: float) -> str:
    """Seconds as h:mm:ss or m:ss."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
