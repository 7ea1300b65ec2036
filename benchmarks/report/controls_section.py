"""The part of the results page that says what returns are owed to."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.learning.controls import BLIND, OWN, SHUFFLED
from benchmarks.report.variants import FamilyVariants, by_split


def section(families: Sequence[FamilyVariants], note: str | None) -> str:
    """The section in Markdown.

    Args:
        families: results of the benchmark.
        note: what a person makes of it.
    """
    about = (
        "`python -m benchmarks.learning.controls`: `hyper-ppo` as it is, and while it observes in each task"
        " the context of another one (`evaluate --shuffle-contexts`), beside `blind-ppo`, which never sees"
        " any. A cell is the mean over seeds and tasks with its 95 % interval over both. Differences are bold"
        " where their interval leaves zero out."
    )
    lines = [(each, split) for each in families for split in each.splits]
    columns = {OWN: "own context", SHUFFLED: "shuffled", BLIND: "blind"}
    found_by_split = by_split(families, columns, SHUFFLED, BLIND, "shuffled - blind")
    fallen = sum(not each.difference(SHUFFLED, BLIND, split).above for each, split in lines)
    found = (
        f"Under shuffled contexts the agent falls to the blind one's return or below on {fallen} of"
        f" {len(lines)} splits."
    )
    parts = ["## What returns are owed to", about, found_by_split, found]
    return "\n\n".join([*parts, *([note.strip()] if note else [])]) + "\n"
