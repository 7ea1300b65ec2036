"""How far a piece of work is, in words: its phase, what is done, the return so far, the time left."""

from __future__ import annotations

import time
from collections import deque

WINDOW = 120.0
"""Seconds of the past, at least, by which the time left is estimated."""
_LEAST = 2.0
"""Seconds before there is an estimate."""
STOPPING = "stopping"
_PHASES = {
    "collecting": "collecting first experience",
    STOPPING: "stopping (once more: at once)",
}


class Meter:
    """A progress hook, and a reporter of phases, that says in words what it was told.

    The time left follows from the speed of the last two minutes or, where that is more, of the latter half of
    the phase that makes steps: what an off-policy algorithm collects before it learns tells nothing of what
    is to come.

    Args:
        unit: of what is done; None: per cent.
        start: the phase that the work begins with, "" for none.
    """

    def __init__(self, unit: str | None = None, start: str = "") -> None:
        self.unit, self.name = unit, start
        self.done = self.total = 0
        self.began = self.since = time.monotonic()
        self._share: float | None = None
        self._return: float | None = None
        self._speed_of, self._speed_since = "", self.began
        self._samples: deque[tuple[float, int]] = deque()

    def __call__(self, done: int, total: int) -> None:
        """Note how much is done and planned."""
        now = time.monotonic()
        self.done, self.total = done, total
        if self.name not in (self._speed_of, STOPPING):
            self._speed_of = self.name
            self._speed_since = now
            self._samples.clear()
        window = max(WINDOW, (now - self._speed_since) / 2)
        if not self._samples or now - self._samples[-1][0] > window / 100:
            self._samples.append((now, done))
        while len(self._samples) > 1 and now - self._samples[1][0] > window:
            self._samples.popleft()

    def phase(self, name: str, share: float | None = None) -> None:
        """Note what goes on; whoever was asked to stop goes on stopping."""
        if self.name != STOPPING:
            self.name, self._share, self.since = name, share, time.monotonic()

    def reached(self, mean_return: float) -> None:
        """Note the mean return of the latest episodes."""
        self._return = mean_return

    @property
    def gone(self) -> float:
        """Seconds since the work began."""
        return time.monotonic() - self.began

    @property
    def left(self) -> float | None:
        """Estimated seconds until the work is done; None while too little is known."""
        if not self._samples or self.name in ("collecting", STOPPING):
            return None
        (began, first), now = self._samples[0], time.monotonic()
        if now - began < _LEAST or self.done <= first:
            return None
        return (now - began) / (self.done - first) * (self.total - self.done)

    @property
    def words(self) -> list[str]:
        """Phase, what is done and the return so far, as far as they are known."""
        share = "" if self._share is None else f" ({self._share:.0%})"
        found = [_PHASES.get(self.name, self.name) + share] if self.name else []
        if self.total:
            far = (
                f"{self.done:,} of {self.total:,} {self.unit}"
                if self.unit
                else f"{self.done / self.total:.0%}"
            )
            found.append(far)
        if self._return is not None:
            found.append(f"return {self._return:.4g}")
        return found


def clock(seconds: float) -> str:
    """Seconds as h:mm:ss or m:ss."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
