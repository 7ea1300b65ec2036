"""The part of the results page that says what wrong contexts cost."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.learning.context_error import BLIND, CONCAT, ERRORS, HYPER, NOISE, NOISY, at
from benchmarks.report.speed_section import table
from benchmarks.report.variants import FamilyVariants, cautions

COLUMNS = {
    HYPER: "`hyper-ppo`",
    NOISY: f"with `context_noise={NOISE:g}`",
    CONCAT: "`concat-ppo`",
    BLIND: "`blind-ppo`",
}
"""What plays: its role in the results, and the heading of its column."""


def section(families: Sequence[FamilyVariants], note: str | None) -> str:
    """The section in Markdown.

    Args:
        families: results of the benchmark.
        note: what a person makes of it.
    """
    about = (
        "`python -m benchmarks.learning.context_error`: all agents play with contexts that are off by a"
        " part of each feature's training range, to either side (`evaluate --context-error`); a feature"
        " with `values`, such as a sign, is another one with that probability. A cell is the mean over"
        " seeds and tasks with its 95 % interval over both. The last column is the second less the first;"
        " it is bold where its interval leaves zero out."
    )
    cells = [
        [
            f"`{each.name}`",
            split,
            f"{error:g}",
            str(len(each.seeds)),
            *(str(each.mean(at(role, error), split)) for role in COLUMNS),
            each.difference(at(NOISY, error), at(HYPER, error), split).signed,
        ]
        for each in families
        for split in each.splits
        for error in ERRORS
    ]
    heads = ["family", "split", "error", "seeds", *COLUMNS.values(), "noise - none"]
    gaps = [
        each.difference(at(NOISY, error), at(HYPER, error), split)
        for each in families
        for split in each.splits
        for error in ERRORS
    ]
    found = (
        f"Training with noise makes returns clearly higher on {sum(gap.above for gap in gaps)} of {len(gaps)}"
        f" lines, and clearly lower on {sum(gap.below for gap in gaps)}."
    )
    parts = ["## What wrong contexts cost", found, *cautions(families), about, table(heads, cells)]
    return "\n\n".join([*parts, *([note.strip()] if note else [])]) + "\n"
