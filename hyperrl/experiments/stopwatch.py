"""The time that a run takes, over all processes that work on it."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from hyperrl.store import atomic_write
from hyperrl.store.files import read_object

FILE = "seconds.json"
_INTERVAL = 5.0
"""Seconds between two notes: what a killed process loses."""


class Stopwatch:
    """Counts wall and CPU seconds of this process, on top of what earlier processes noted in a run's folder.

    Args:
        folder: of the run.
    """

    def __init__(self, folder: Path) -> None:
        self._file, self._start, self._last = folder / FILE, time.monotonic(), time.monotonic()
        try:
            before = read_object(self._file)
            self._before = {name: float(before[name]) for name in ("wall", "cpu")}
        except (ValueError, KeyError, TypeError):
            self._before = {"wall": 0.0, "cpu": 0.0}

    @property
    def seconds(self) -> dict[str, float]:
        """Seconds by `wall` and `cpu`; those of the CPU are of this process and of the ones it started."""
        cpu = sum(os.times()[:4])
        wall = time.monotonic() - self._start
        own = {"wall": wall, "cpu": cpu}
        return {name: round(self._before[name] + value, 1) for name, value in own.items()}

    def tick(self) -> None:
        """Note the seconds in the run's folder, if the last note is a few seconds old."""
        if time.monotonic() - self._last > _INTERVAL:
            self.note()

    def note(self) -> None:
        """Note the seconds in the run's folder."""
        self._last = time.monotonic()
        atomic_write(self._file, json.dumps(self.seconds).encode())
