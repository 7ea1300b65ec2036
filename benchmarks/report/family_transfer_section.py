"""The part of the results page that says what weights of another family are worth."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

import numpy as np

from benchmarks.learning.family_transfer import MOVED, SCRATCH
from benchmarks.report.compared import Curve
from benchmarks.report.comparison import SOLVED, level_of, number, steps_until
from benchmarks.report.speed_section import table
from benchmarks.report.variants import FamilyVariants, cautions


def section(families: Sequence[FamilyVariants], note: str | None) -> str:
    """The section in Markdown.

    Args:
        families: results of the benchmark.
        note: what a person makes of it.
    """
    about = (
        "`python -m benchmarks.learning.family_transfer`: `hyper-ppo` on a family, from the weights of a run"
        " on another family (`train --from RUN`), and from scratch. *At first* is the return before any step"
        " on this family. *There* means"
        f" {SOLVED:.0%} of the way from the untrained agents to the best median of those from scratch; steps"
        " are medians over seeds, with the least and the most, of evaluations every few rollouts. The steps"
        " of the other run come on top. A difference of final returns is bold where its 95 % interval, over"
        " seeds and tasks, leaves zero out."
    )
    lines = [(each, split) for each in families for split in each.splits]
    cells = [_line(each, split) for each, split in lines]
    heads = [
        "family", "from", "split", "seeds", "moved, at first", "scratch, at first", "moved, there after",
        "scratch, there after", "moved, at the end", "scratch, at the end", "moved - scratch",
    ]  # fmt: skip
    sooner, pairs = (
        sum(counts) for counts in zip(*(_sooner(each, split) for each, split in lines), strict=True)
    )
    found = (
        f"With the weights of another family, agents were there sooner in {sooner} of {pairs} seeds and"
        " splits."
    )
    parts = [
        "## What weights of another family are worth",
        found,
        *cautions(families),
        about,
        table(heads, cells),
    ]
    return "\n\n".join([*parts, *([note.strip()] if note else [])]) + "\n"


def _curves(each: FamilyVariants, way: str, split: str) -> list[Curve]:
    found = (record["curves"][way] for record in each.records)
    return [(np.array(curve["steps"], np.float64), np.array(curve[split], np.float64)) for curve in found]


def _steps(each: FamilyVariants, split: str) -> dict[str, list[float]]:
    """Of each way, the steps of each seed until it was there."""
    scratch = _curves(each, SCRATCH, split)
    level = level_of([scratch])
    return {
        way: [steps_until(curve, level) for curve in _curves(each, way, split)] for way in (MOVED, SCRATCH)
    }


def _sooner(each: FamilyVariants, split: str) -> tuple[int, int]:
    """Of how many seeds the moved weights were there sooner, and of how many in all."""
    steps = _steps(each, split)
    pairs = list(zip(steps[MOVED], steps[SCRATCH], strict=True))
    return sum(moved < scratch for moved, scratch in pairs), len(pairs)


def _line(each: FamilyVariants, split: str) -> list[str]:
    firsts = [
        number(statistics.fmean(float(returns[0]) for _, returns in _curves(each, way, split)))
        for way in (MOVED, SCRATCH)
    ]
    return [
        f"`{each.name}`",
        f"`{each.records[0]['source']}`",
        split,
        str(len(each.seeds)),
        *firsts,
        *(_until(steps) for steps in _steps(each, split).values()),
        *(str(each.mean(way, split)) for way in (MOVED, SCRATCH)),
        each.difference(MOVED, SCRATCH, split).signed,
    ]


def _until(steps: Sequence[float]) -> str:
    middle, least, most = (
        "never" if math.isinf(value) else f"{value:,.0f}"
        for value in (statistics.median(steps), min(steps), max(steps))
    )
    return f"{middle} [{least}, {most}]"
