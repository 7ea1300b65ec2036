"""The last scalars of a run's `progress.csv`, without reading all of it."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path

_MOST = 1 << 20
"""Bytes read of the file's beginning and of its end."""


def last_values(path: Path, prefix: str) -> dict[str, float]:
    """The newest finite value of each column whose name begins so, by the rest of its name.

    A file that is missing or broken has none.
    """
    try:
        with path.open("rb") as file:
            head = file.readline(_MOST)
            begins = max(file.seek(0, io.SEEK_END) - _MOST, len(head))
            file.seek(begins)
            tail = file.read(_MOST)
    except OSError:
        return {}
    if begins > len(head):
        tail = tail[tail.find(b"\n") + 1 :]
    try:
        columns, *rows = csv.reader(io.StringIO((head + tail).decode(errors="replace")))
    except (ValueError, csv.Error):
        return {}
    found: dict[str, float] = {}
    for row in rows:
        for column, text in zip(columns, row, strict=False):
            value = _number(text) if column.startswith(prefix) else math.nan
            if math.isfinite(value):
                found[column.removeprefix(prefix)] = value
    return found


def history(path: Path, prefix: str) -> dict[int, dict[str, float]]:
    """By step, the finite values of the columns whose names begin so, by the rest of their names.

    Rows without such values are left out; a file that is missing or broken has none.
    """
    try:
        with path.open(newline="", errors="replace") as file:
            rows = list(csv.DictReader(file))
    except (OSError, csv.Error):
        return {}
    found: dict[int, dict[str, float]] = {}
    for row in rows:
        values = {name: _number(text or "") for name, text in row.items() if name and name.startswith(prefix)}
        finite = {name.removeprefix(prefix): value for name, value in values.items() if math.isfinite(value)}
        if finite and (row.get("step") or "").isdecimal():
            found[int(row["step"])] = finite
    return found


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
