"""The scalars of a run's `progress.csv`."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from pathlib import Path


def rows(path: Path, prefix: str) -> Iterator[tuple[str, dict[str, float]]]:
    """For each row its step and the finite values of the columns whose names begin with `prefix`.

    The columns go by the rest of their names. A file that is missing or broken has no rows, or fewer.
    """
    try:
        with path.open(newline="", errors="replace") as file:
            for row in csv.DictReader(file):
                values = {
                    name.removeprefix(prefix): _number(row[name])
                    for name in row
                    if str(name).startswith(prefix)
                }
                yield (
                    row.get("step") or "",
                    {name: value for name, value in values.items() if math.isfinite(value)},
                )
    except (OSError, csv.Error):
        return


def _number(text: str | None) -> float:
    try:
        return float(text or "")
    except ValueError:
        return math.nan
