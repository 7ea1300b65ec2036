"""The part of the results page that says what hindsight is worth."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.learning.hindsight import CONCAT, HINDSIGHT, PLAIN
from benchmarks.report.variants import FamilyVariants, by_split


def section(families: Sequence[FamilyVariants], note: str | None) -> str:
    """The section in Markdown.

    Args:
        families: results of the benchmark.
        note: what a person makes of it.
    """
    about = (
        "`python -m benchmarks.learning.hindsight`: `hyper-sac` with hindsight experience replay"
        " (`algorithm.her`) and without, and `concat-sac` with it, where nothing is paid for but to be at the"
        " goal of the episode. A cell is the mean over seeds and tasks with its 95 % interval over both."
        " Differences are bold where their interval leaves zero out."
    )
    lines = [(each, split) for each in families for split in each.splits]
    columns = {
        HINDSIGHT: "`hyper-sac` with hindsight",
        PLAIN: "without",
        CONCAT: "`concat-sac` with hindsight",
    }
    found_by_split = by_split(families, columns, HINDSIGHT, PLAIN, "with - without")
    better = sum(each.difference(HINDSIGHT, PLAIN, split).above for each, split in lines)
    found = f"With hindsight the return is higher on {better} of {len(lines)} splits."
    parts = ["## What hindsight is worth", about, found_by_split, found]
    return "\n\n".join([*parts, *([note.strip()] if note else [])]) + "\n"
