"""All runs of a suite on stderr: a live view on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hyperrl.cli.errors import one_line
from hyperrl.cli.progress import Meter, clock

if TYPE_CHECKING:
    from rich.console import RenderableType

    from hyperrl.evaluation.progress import Reporter
    from hyperrl.experiments import Job, Outcome

_MIN_INTERVAL, _MAX_INTERVAL = 5.0, 60.0
"""Seconds between two lines: a twentieth of the time gone, within these bounds."""


class SuiteView:
    """Follows the runs of a suite, and prints those that fail.

    Args:
        suite: its name.
    """

    def __init__(self, suite: str) -> None:
        self.suite, self.start_time = suite, time.monotonic()
        self.meters: dict[str, Meter] = {}
        self._runs = self._done = self._failed = self._elsewhere = self._stopping = 0

    def planned(self, runs: int, finished: int) -> None:
        """Note how many runs there are, and how many of them had a result before."""
        self._runs, self._done = runs, finished

    def started(self, job: Job) -> Reporter:
        """Note that a run starts."""
        self._elsewhere = 0
        self.meters[job.label] = meter = self._meter()
        return meter

    def ended(self, job: Job, outcome: Outcome) -> None:
        """Note how the work on a run ended."""
        self.meters.pop(job.label, None)
        self._done += outcome.state == "finished"
        if outcome.state == "failed":
            self._failed += 1
            self._print(f"{job.label} failed: {outcome.message}")
        self._changed()

    def waiting(self, jobs: int) -> None:
        """Note that other processes work on all runs that are left."""
        self._elsewhere = jobs
        self._changed()

    def stopping(self, jobs: int) -> None:
        """Say that runs are being stopped."""
        self._stopping = jobs
        runs = f"{jobs} run{'s' * (jobs > 1)}"
        self._print(f"stopping {runs} at the next checkpoint (once more: at once)")

    @property
    def summary(self) -> str:
        """How many runs are done, running and failed, and since when."""
        words = [f"{self._done} of {self._runs} runs done", f"{len(self.meters)} running"]
        words += [f"{self._failed} failed"] * (self._failed > 0)
        words += [f"waiting for {self._elsewhere} of other processes"] * (self._elsewhere > 0)
        return ", ".join([*words, f"{clock(time.monotonic() - self.start_time)} gone"])

    def _meter(self) -> Meter:
        return Meter("steps", "preparing")

    def _changed(self) -> None:
        """Called after each change of the numbers."""

    def _print(self, message: str) -> None:
        print(f"hyperrl: {self.suite}: {one_line(message)}", file=sys.stderr, flush=True)


class _Notifying(Meter):
    """A meter that says when it has changed."""

    def __init__(self, view: PlainView) -> None:
        self._view = view
        super().__init__("steps", "preparing")

    def _changed(self) -> None:
        self._view._changed()


class PlainView(SuiteView):
    """Prints a line every few seconds, later every minute; none for work that takes seconds."""

    def __init__(self, suite: str) -> None:
        super().__init__(suite)
        self._last_line = self.start_time

    def _meter(self) -> Meter:
        return _Notifying(self)

    def _changed(self) -> None:
        now = time.monotonic()
        if now - self._last_line >= min(max(_MIN_INTERVAL, (now - self.start_time) / 20), _MAX_INTERVAL):
            self._last_line = now
            self._print(self.summary)


class LiveView(SuiteView):
    """Shows on a terminal the numbers of runs, and of each running one how far it is."""

    def rendered(self) -> RenderableType:
        """The view as it is now."""
        from rich.table import Table

        grid = Table.grid(padding=(0, 2))
        for _ in range(3):
            grid.add_column(no_wrap=True)
        for label, meter in list(self.meters.items()):
            grid.add_row(label, "  ".join(meter.words), ", ".join(meter.words_left))
        whole = Table.grid()
        whole.add_row(f"{self.suite}: {self.summary}")
        whole.add_row(grid)
        return whole


@contextmanager
def suite_view(suite: str) -> Iterator[SuiteView]:
    """Show on stderr how far the runs of a suite are, for as long as the block runs."""
    if not sys.stderr.isatty():
        yield PlainView(suite)
        return
    from rich.live import Live

    from hyperrl.cli.console import console

    view = LiveView(suite)
    with Live(
        get_renderable=view.rendered, console=console(stderr=True), refresh_per_second=4, transient=True
    ):
        yield view
