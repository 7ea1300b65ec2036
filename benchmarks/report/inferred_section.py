"""The part of the results page that says what inferring a hidden context is worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.learning.inferred import BLIND, CONCAT, CONTEXT, HYPER, MEMORY, OFF_POLICY, ON_POLICY, PLAIN
from benchmarks.report.variants import FamilyVariants, by_split, cautions

COLUMNS = {
    OFF_POLICY: {
        HYPER: "`hyper-sac-inferred`",
        CONCAT: "`concat-sac-inferred`",
        BLIND: "`blind-sac`",
        CONTEXT: "`hyper-sac`, which sees the context",
    },
    ON_POLICY: {MEMORY: "`hyper-recurrent-ppo`", PLAIN: "`blind-recurrent-ppo`, as many parameters"},
}
"""What plays, by kind of policy: its role in the results, and the heading of its column."""


def section(results: Mapping[str, Sequence[FamilyVariants]], note: str | None) -> str:
    """The section in Markdown.

    Args:
        results: of the benchmark, by kind of policy; only kinds with results.
        note: what a person makes of it.
    """
    parts, tables = ["## What inferring a hidden context is worth"], []
    for policy, families in results.items():
        first, second, *_ = columns = COLUMNS[policy]
        gaps = [each.difference(first, second, split) for each in families for split in each.splits]
        above, below = (sum(getattr(gap, side) for gap in gaps) for side in ("above", "below"))
        parts.append(
            f"{columns[first]} is clearly better than {columns[second].partition(',')[0]} on {above} of"
            f" {len(gaps)} splits, and clearly worse on {below}."
        )
        tables.append(by_split(families, columns, first, second, "first - second"))
    about = (
        "`python -m benchmarks.learning.inferred`: no agent sees a context, but for `hyper-sac`. The first"
        " two columns of each table are compared in its last one. A cell is the mean over seeds and tasks"
        " with its 95 % interval over both. Differences are bold where their interval leaves zero out."
    )
    shown = [each for families in results.values() for each in families]
    parts += [*cautions(shown), about, *tables]
    return "\n\n".join([*parts, *([note.strip()] if note else [])]) + "\n"
