"""The common form of speed benchmarks: what was measured against which goal, as a table and as JSON."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hyperrl.store import atomic_write
from hyperrl.store.spec import library_versions

CLOCK = "on the clock"
"""Column of the same number by the clock. The value itself counts this process's CPU time: with one thread
that waits for nothing the two agree on a quiet machine, and neighbors disturb the clock alone."""


@dataclass(frozen=True)
class Measure:
    """One number of a benchmark: a median over runs with its range.

    Attributes:
        name: what was measured.
        values: one value per run, at least one.
        unit: `ratio`, `ms`, ...
        goal: `(">=", 0.85)` or `("<=", 2.5)`; None where nothing is asked for.
        beside: further numbers by name, shown in columns of their own.
    """

    name: str
    values: Sequence[float]
    unit: str
    goal: tuple[str, float] | None = None
    beside: Mapping[str, float] = field(default_factory=dict)

    @property
    def value(self) -> float:
        """Median over runs."""
        return statistics.median(self.values)

    @property
    def met(self) -> bool | None:
        """Whether the median meets the goal; None without a goal."""
        if self.goal is None:
            return None
        relation, bound = self.goal
        return self.value >= bound if relation == ">=" else self.value <= bound

    def to_json(self) -> dict[str, Any]:
        """The measure's entry in the benchmark's JSON."""
        return {
            "name": self.name,
            "value": _round(self.value),
            "low": _round(min(self.values)),
            "high": _round(max(self.values)),
            "runs": len(self.values),
            "unit": self.unit,
            "goal": None if self.goal is None else f"{self.goal[0]} {self.goal[1]:g}",
            "met": self.met,
            **{name: _round(value) for name, value in self.beside.items()},
        }


def rate(name: str, count: int, taken: Sequence[Sequence[Spent]], unit: str = "steps/s") -> Measure:
    """How many a second: `count` in each turn, the median of each round's turns; the clock's beside it."""
    cpu, wall = (
        [count / statistics.median(getattr(turn, kind) for turn in each) for each in taken]
        for kind in ("cpu", "wall")
    )
    return Measure(name, cpu, unit, beside={CLOCK: statistics.median(wall)})


@dataclass(frozen=True)
class Report:
    """A benchmark's measures, with what they were measured on."""

    benchmark: str
    measures: Sequence[Measure]
    setting: Mapping[str, Any] = field(default_factory=dict)

    @property
    def met(self) -> bool:
        """Whether no goal was missed."""
        return all(measure.met is not False for measure in self.measures)

    def to_json(self) -> dict[str, Any]:
        """The object that `--json` writes."""
        return {
            "benchmark": self.benchmark,
            "versions": library_versions(),
            "cores": os.cpu_count(),
            "setting": dict(self.setting),
            "measures": [measure.to_json() for measure in self.measures],
        }


def rows(report: Mapping[str, Any]) -> list[list[str]]:
    """A report's JSON as the cells of a table, the header first."""
    known = ("name", "value", "low", "high", "runs", "unit", "goal", "met")
    measures = report["measures"]
    beside = list(dict.fromkeys(key for measure in measures for key in measure if key not in known))
    table = [["measure", "median", "range", "unit", *beside, "goal"]]
    for each in measures:
        span = f"{each['low']:g} to {each['high']:g}" if each["runs"] > 1 else ""
        verdict = "" if each["met"] is None else ", met" if each["met"] else ", missed"
        others = [f"{each[key]:g}" if key in each else "" for key in beside]
        table.append(
            [each["name"], f"{each['value']:g}", span, each["unit"], *others, (each["goal"] or "") + verdict]
        )
    return table


def parser(name: str, about: str | None) -> argparse.ArgumentParser:
    """The command line that all benchmarks of speed and reliability share: `--quick` and `--json FILE`."""
    command = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}", description=about)
    command.add_argument("--quick", action="store_true", help="a smoke run: its numbers mean little")
    command.add_argument("--json", type=Path, metavar="FILE", help="write the report there as well")
    return command


def finish(report: Report, path: Path | None) -> int:
    """Print the table, write the JSON; the exit status: 1 when a goal was missed."""
    found = report.to_json()
    table = rows(found)
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    for row in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(path, (json.dumps(found, indent=1) + "\n").encode())
    return 0 if report.met else 1


@dataclass(frozen=True)
class Spent:
    """Seconds that some work took: on the clock, and of this process's CPU time."""

    wall: float
    cpu: float


def spent(work: Callable[[], object]) -> Spent:
    """Do the work and time it."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return Spent(time.perf_counter() - wall, time.process_time() - cpu)


def alternate(
    first: Callable[[], Spent], second: Callable[[], Spent], rounds: int, pairs: int
) -> list[list[tuple[Spent, Spent]]]:
    """Time two kinds of work in turn, A B A B ..., for some rounds of some pairs each."""
    return [[(first(), second()) for _ in range(pairs)] for _ in range(rounds)]


def ratios(measured: Sequence[Sequence[tuple[Spent, Spent]]], kind: str = "cpu") -> list[float]:
    """Per round, the median over its pairs of the first's time over the second's."""
    return [
        statistics.median(getattr(one, kind) / getattr(other, kind) for one, other in pairs)
        for pairs in measured
    ]


def on_the_clock(measured: Sequence[Sequence[tuple[Spent, Spent]]]) -> dict[str, float]:
    """The median of `ratios` by the clock, to stand beside that in CPU time."""
    return {CLOCK: statistics.median(ratios(measured, "wall"))}


def _round(value: float) -> float:
    return float(f"{value:.4g}")
