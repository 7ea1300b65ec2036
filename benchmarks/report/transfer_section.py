"""The part of the results page that says what fine-tuning on one task is worth."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.learning.transfer import ALL, CONCAT_ALL, GENERATOR, SCRATCH, SHARED, UNTUNED
from benchmarks.report.speed_section import table
from benchmarks.report.variants import FamilyVariants

COLUMNS = {
    UNTUNED: "`hyper-ppo`, not tuned",
    ALL: "all weights",
    GENERATOR: "`--freeze generator`",
    SHARED: "`--freeze shared`",
    CONCAT_ALL: "`concat-ppo`, all weights",
    SCRATCH: "`hyper-ppo` from scratch",
}
"""What plays: its role in the results, and its name."""


def section(families: Sequence[FamilyVariants], note: str | None) -> str:
    """The section in Markdown.

    Args:
        families: results of the benchmark.
        note: what a person makes of it.
    """
    steps = sorted({int(record["tuning_steps"]) for each in families for record in each.records})
    about = (
        "`python -m benchmarks.learning.transfer`: an agent of a whole family is tuned on one task far beyond"
        f" the training ranges, for {', '.join(f'{count:,}' for count in steps)} steps (`train --from RUN"
        " --context ...`), and then plays that task (*extrapolation*, three such tasks) and those of"
        " interpolation, which it was not tuned on. A cell is the mean over seeds and tasks with its 95 %"
        " interval over both; a gain is over the agent that was not tuned, bold where its interval leaves"
        " zero out."
    )
    cells = [
        [
            f"`{each.name}`",
            split,
            name,
            str(len(each.seeds)),
            str(each.mean(way, split)),
            "" if way == UNTUNED else each.difference(way, UNTUNED, split).signed,
        ]
        for each in families
        for split in each.splits
        for way, name in COLUMNS.items()
    ]
    heads = ["family", "split", "tuned", "seeds", "return", "gain"]
    parts = ["## What fine-tuning on one task is worth", about, table(heads, cells)]
    return "\n\n".join([*parts, *([note.strip()] if note else [])]) + "\n"
