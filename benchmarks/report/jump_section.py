"""The part of the results page that says what agents of fixed tasks do where the task jumps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.learning.jump import BLIND, CONCAT, HYPER, jumping
from benchmarks.report.comparison import number
from benchmarks.report.speed_section import table
from benchmarks.report.variants import FamilyVariants, cautions

COLUMNS = {HYPER: "`hyper-ppo`", CONCAT: "`concat-ppo`", BLIND: "`blind-ppo`"}
"""What plays: its role in the results, and its name."""


def section(families: Sequence[FamilyVariants], note: str | None) -> str:
    """The section in Markdown.

    Args:
        families: results of the benchmark.
        note: what a person makes of it.
    """
    about = (
        "`python -m benchmarks.learning.jump`: agents that were trained on tasks that stay for an episode"
        " play tasks that stay, and tasks of which a feature jumps in mid-episode (`evaluate --schedule`)."
        " Returns are means over seeds and tasks with their 95 % intervals over both; *recovered* is the"
        " share of the jumps after which the reward of a step comes back to what it was, and *steps* the"
        " median number of steps until then, both as means over seeds ([how they are"
        " found](evaluation.md#changing-tasks))."
    )
    cells = [
        [
            f"`{each.name}`",
            split,
            name,
            str(len(each.seeds)),
            str(each.mean(role, split)),
            str(each.mean(jumping(role), split)),
            *_recovery(each, role, split),
        ]
        for each in families
        for split in each.splits
        for role, name in COLUMNS.items()
    ]
    heads = ["family", "split", "agent", "seeds", "fixed", "jumping", "reward before", "recovered", "steps"]
    lines = [(each, split) for each in families for split in each.splits]
    better = sum(each.difference(jumping(HYPER), jumping(CONCAT), split).above for each, split in lines)
    found = f"Where tasks jump, `hyper-ppo` is better than `concat-ppo` on {better} of {len(lines)} splits."
    parts = ["## What agents do where the task jumps", found, *cautions(families), about, table(heads, cells)]
    return "\n\n".join([*parts, *([note.strip()] if note else [])]) + "\n"


def _recovery(family: FamilyVariants, role: str, split: str) -> list[str]:
    """Reward before a jump, share of jumps recovered from, and steps until then, means over seeds."""
    each = [record["over_time"][role][split]["recovery"] for record in family.records]
    steps = [found["steps"] for found in each if found["steps"] is not None]
    before, recovered = (float(np.mean([found[name] for found in each])) for name in ("before", "recovered"))
    return [number(before), f"{recovered:.0%}", number(float(np.mean(steps))) if steps else "-"]
