"""Writes a run's scalars to TensorBoard and `progress.csv`, which a resumed run continues."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from stable_baselines3.common.logger import KVWriter, Logger, TensorBoardOutputFormat, filter_excluded_keys

from hyperrl.store import atomic_write
from hyperrl.training.events import RunSummaryWriter

STEP = "step"
PREFIX = "zero_shot/"
SPLITS_TAG = "Zero-shot/return"
"""The chart of all splits; each split has a TensorBoard run of its own."""


class TensorBoardWriter(TensorBoardOutputFormat):
    """Stable-Baselines3's TensorBoard output; events after the step that a run resumes at are dropped.

    Args:
        folder: of the event files.
        resumed_at: environment steps from which the run goes on; None for a new run.
    """

    def __init__(self, folder: Path, resumed_at: int | None) -> None:
        self.writer = RunSummaryWriter(folder, resumed_at)
        self._is_closed = False


class SplitsWriter(KVWriter):
    """Writes each split's zero-shot return into a TensorBoard run of its own, the folder `zero_shot/SPLIT`.

    TensorBoard colors lines by run and sorts charts by tag, capitals first: so one chart at the top shows the
    splits together.

    Args:
        folder: the run's directory.
        resumed_at: as of `TensorBoardWriter`.
    """

    def __init__(self, folder: Path, resumed_at: int | None) -> None:
        self._folder, self._resumed_at = folder / PREFIX, resumed_at
        self._writers: dict[str, RunSummaryWriter] = {}
        if resumed_at is not None:  # drop their later steps at once
            for part in sorted(self._folder.glob("*/")):
                self._writer(part.name).flush()

    def write(
        self, key_values: dict[str, Any], key_excluded: dict[str, tuple[str, ...]], step: int = 0
    ) -> None:
        """Write the splits' returns among the values."""
        for key, value in key_values.items():
            if key.startswith(PREFIX):
                writer = self._writer(key.removeprefix(PREFIX))
                writer.add_scalar(SPLITS_TAG, value, step)
                writer.flush()

    def close(self) -> None:
        """Close the files."""
        for writer in self._writers.values():
            writer.close()

    def _writer(self, split: str) -> RunSummaryWriter:
        if split not in self._writers:
            self._writers[split] = RunSummaryWriter(self._folder / split, self._resumed_at)
        return self._writers[split]


class CsvWriter(KVWriter):
    """One row per logged step, appended; the header grows when a new scalar appears.

    Values that are no numbers (figures, histograms, text) are left out. Values logged at the step of the last
    row are added to that row.

    Args:
        path: the file.
        resumed_at: rows after this step are dropped, and a row that a kill cut short; None starts a new file.
    """

    _last: dict[str, str]
    _last_at: int

    def __init__(self, path: Path, resumed_at: int | None) -> None:
        self.path = path
        self.columns: list[str] = [STEP]
        rows: list[dict[str, str]] = []
        if resumed_at is not None and path.exists():
            self.columns, rows = _read(path, resumed_at)
        self._rewrite(rows)

    def write(
        self, key_values: dict[str, Any], key_excluded: dict[str, tuple[str, ...]], step: int = 0
    ) -> None:
        """Write one row, or add to the row of the same step."""
        values = filter_excluded_keys(key_values, key_excluded, "csv")
        row = {
            key: str(value.item() if isinstance(value, np.generic) else value)
            for key, value in values.items()
            if isinstance(value, bool | int | float | np.number | np.bool_)
        }
        if not row:
            return
        new = sorted(row.keys() - set(self.columns))
        if new:
            self.columns += new
            self._rewrite(_read(self.path, None)[1])
        same = self._last.get(STEP) == str(step)
        self._last = {**(self._last if same else {}), **row, STEP: str(step)}
        with self.path.open("r+b") as file:
            if not same:
                self._last_at = file.seek(0, io.SEEK_END)
            file.seek(self._last_at)
            file.write(self._line(self._last))
            file.truncate()

    def close(self) -> None:
        """Nothing is left open between rows."""

    def _rewrite(self, rows: list[dict[str, str]]) -> None:
        lines = [self._line(row) for row in ({column: column for column in self.columns}, *rows)]
        atomic_write(self.path, b"".join(lines))
        self._last = rows[-1] if rows else {}
        self._last_at = sum(map(len, lines[:-1]))

    def _line(self, row: dict[str, str]) -> bytes:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerow([row.get(column, "") for column in self.columns])
        return text.getvalue().encode()


def run_logger(folder: Path, resumed_at: int | None = None, trackers: Sequence[KVWriter] = ()) -> Logger:
    """Stable-Baselines3's logger with the run's writers and no others.

    Args:
        folder: the run's directory.
        resumed_at: environment steps that the run goes on from; None for a new run.
        trackers: writers to trackers (`hyperrl.training.trackers`).
    """
    writers: list[KVWriter] = [
        TensorBoardWriter(folder, resumed_at),
        SplitsWriter(folder, resumed_at),
        CsvWriter(folder / "progress.csv", resumed_at),
        *trackers,
    ]
    return Logger(str(folder), writers)


def flush(logger: Logger) -> None:
    """Hand everything logged so far to the operating system, so that a kill from now on loses nothing."""
    for output in logger.output_formats:
        if isinstance(output, TensorBoardOutputFormat):
            output.writer.flush()


def _read(path: Path, last_step: int | None) -> tuple[list[str], list[dict[str, str]]]:
    """Columns and whole rows of a progress file, up to `last_step`."""
    data = path.read_bytes()
    whole = data[: data.rfind(b"\n") + 1].decode(errors="replace")
    try:
        lines = list(csv.reader(io.StringIO(whole, newline="")))
    except csv.Error:
        lines = []
    columns = lines[0] if lines and lines[0][:1] == [STEP] else [STEP]
    rows = [dict(zip(columns, line, strict=True)) for line in lines[1:] if len(line) == len(columns)]
    limit = math.inf if last_step is None else last_step
    return columns, [row for row in rows if row[STEP].isdecimal() and int(row[STEP]) <= limit]
