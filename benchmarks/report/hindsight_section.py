"""The part of the results page that says what hindsight is worth."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.learning.hindsight import CONCAT, HINDSIGHT, PLAIN
from benchmarks.report.speed_section import table
from benchmarks.report.variants import FamilyVariants


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
    cells = [
        [
            f"`{each.name}`", split, str(len(each.seeds)),
            *(str(each.mean(name, split)) for name in (HINDSIGHT, PLAIN, CONCAT)),
            each.difference(HINDSIGHT, PLAIN, split).signed,
        ]
        for each, split in lines
    ]  # fmt: skip
    header = [
        "family", "split", "seeds", "`hyper-sac` with hindsight", "without", "`concat-sac` with hindsight",
        "with - without",
    ]  # fmt: skip
    better = sum(each.difference(HINDSIGHT, PLAIN, split).above for each, split in lines)
    found = f"With hindsight the return is higher on {better} of {len(lines)} splits."
    parts = ["## What hindsight is worth", about, table(header, cells), found]
    return "\n\n".join([*parts, *([note.strip()] if note else [])]) + "\n"
