"""The part of the results page that says what keeps an agent from forgetting."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.learning.sequence import AT_ONCE, CLONING, EWC, NONE, OUTPUTS, SPLIT
from benchmarks.report.speed_section import table
from benchmarks.report.variants import FamilyVariants, Interval, cautions

NAMES = {
    OUTPUTS: "output regularizer",
    EWC: "elastic weight consolidation",
    CLONING: "cloning of kept observations",
    NONE: "fine-tuning",
    AT_ONCE: "all tasks at once",
}
"""Ways of training, and their names."""


def section(families: Sequence[FamilyVariants], note: str | None) -> str:
    """The section in Markdown.

    Args:
        families: results of the benchmark.
        note: what a person makes of it.
    """
    sizes = ", ".join(
        f"{len(each.records[0]['splits'][SPLIT]['contexts'])} tasks of `{each.name}` in"
        f" {each.records[0]['planned_steps']:,} steps"
        for each in families
    )
    about = (
        "`python -m benchmarks.learning.sequence`: `hyper-ppo` learns tasks one after another (`train"
        f" --sequence`): {sizes}. The final return is the mean over seeds and tasks with its 95 % interval"
        " over both, *over fine-tuning* the difference to it, bold where its interval leaves zero out."
        " Forgetting is what a task's return lost between when it was learned and the end, forward transfer"
        " what earlier tasks added to it before it was learned"
        " ([continual learning](continual.md#what-is-measured))."
    )
    cells = [
        [
            f"`{each.name}`",
            name,
            str(len(each.seeds)),
            str(each.mean(way, SPLIT)),
            "" if way == NONE else each.difference(way, NONE, SPLIT).signed,
            *(["", ""] if way == AT_ONCE else [str(forgetting(each, way)), str(forward(each, way))]),
        ]
        for each in families
        for way, name in NAMES.items()
    ]
    heads = [
        "family", "way", "seeds", "final return", "over fine-tuning", "forgetting", "forward transfer",
    ]  # fmt: skip
    parts = ["## Tasks that arrive one after another", *cautions(families), about, table(heads, cells)]
    return "\n\n".join([*parts, *([note.strip()] if note else [])]) + "\n"


def forgetting(family: FamilyVariants, way: str) -> Interval:
    """How much all tasks but the last lost, over seeds and tasks."""
    returns = _returns(family, way)
    tasks = np.arange(returns.shape[2] - 1)
    return Interval.of(returns[:, tasks + 1, tasks] - returns[:, -1, tasks])


def forward(family: FamilyVariants, way: str) -> Interval:
    """What earlier tasks added to all tasks but the first, over seeds and tasks."""
    returns = _returns(family, way)
    tasks = np.arange(1, returns.shape[2])
    return Interval.of(returns[:, tasks, tasks] - returns[:, 0, tasks])


def _returns(family: FamilyVariants, way: str) -> NDArray[np.float64]:
    """Returns (seed, stage, task) of a way of training."""
    return np.array([record["sequence"][way]["returns"] for record in family.records])
