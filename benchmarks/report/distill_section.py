"""The part of the results page that says what distilling specialists is worth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.learning.distill import CONCAT, HYPER, NEAREST, RL
from benchmarks.report.speed_section import table
from benchmarks.report.variants import FamilyVariants, by_split, cautions

COLUMNS = {
    HYPER: "`hyper-ppo`, distilled",
    RL: "`hyper-ppo`, reinforcement learning",
    CONCAT: "`concat-ppo`, distilled",
    NEAREST: "specialist of the nearest task",
}
"""What plays: its role in the results, and the heading of its column."""


def section(families: Sequence[FamilyVariants], note: str | None) -> str:
    """The section in Markdown.

    Args:
        families: results of the benchmark.
        note: what a person makes of it.
    """
    about = (
        "`python -m benchmarks.learning.distill`: `blind-ppo` is trained on each training task by itself, and"
        " these specialists are distilled into one agent (`hyperrl distill`). `hyper-ppo` learns all tasks by"
        " reinforcement learning beside them. It takes as many steps as all specialists learn in, together"
        " with those that they then play for the students, or a little more. Its weights are its best by"
        " validation; those of students are their last. A cell is the mean over seeds and tasks with its"
        " 95 % interval over both. Differences are bold where their interval leaves zero out."
    )
    parts = ["## What distilling specialists is worth", *_findings(families), *cautions(families), about]
    parts += [by_split(families, COLUMNS, HYPER, RL, "distilled - reinforcement learning")]
    parts += ["Steps of a seed, and CPU seconds of all seeds:", _costs(families)]
    return "\n\n".join([*parts, *([note.strip()] if note else [])]) + "\n"


def _findings(families: Sequence[FamilyVariants]) -> Iterator[str]:
    lines = [(each, split) for each in families for split in each.splits]
    gaps = [each.difference(HYPER, RL, split) for each, split in lines]
    worse = [f"`{each.name}` ({split})" for (each, split), gap in zip(lines, gaps, strict=True) if gap.below]
    yield (
        f"Reinforcement learning of all tasks at once is clearly better on {len(worse)} of {len(lines)}"
        f" splits{': ' + ', '.join(worse) if worse else ''}; distillation is clearly better on"
        f" {sum(gap.above for gap in gaps)}."
    )
    above = sum(each.difference(HYPER, CONCAT, split).above for each, split in lines)
    below = sum(each.difference(HYPER, CONCAT, split).below for each, split in lines)
    yield (
        f"Of the students, the one with generated weights is clearly better on {above} of {len(lines)}"
        f" splits, and the one that concatenates on {below}."
    )


def _costs(families: Sequence[FamilyVariants]) -> str:
    cells = [
        [
            f"`{each.name}`",
            *(f"{each.records[0]['steps_of'][name]:,}" for name in ("rl", "specialists", "shown")),
            *(
                f"{sum(record['seconds_of'][name] for record in each.records):.0f}"
                for name in ("specialists", "students")
            ),
        ]
        for each in families
    ]
    heads = ["family", "reinforcement learning", "all specialists", "shown to students"]
    return table([*heads, "s, specialists", "s, both students"], cells)
