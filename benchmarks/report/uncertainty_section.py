"""The part of the results page that says what the disagreement of networks tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.learning.uncertainty import ENSEMBLE, INDEX, SPLITS
from benchmarks.report.speed_section import table
from benchmarks.report.variants import FamilyVariants, cautions

COLUMNS = {INDEX: "an index", ENSEMBLE: "an ensemble of five"}
MOST_FALSE_ALARMS = 0.05
"""Goal: the share of interpolation tasks that the flag calls far."""


def section(families: Sequence[FamilyVariants], note: str | None) -> str:
    """The section in Markdown.

    Args:
        families: results of the benchmark.
        note: what a person makes of it.
    """
    about = (
        "`python -m benchmarks.learning.uncertainty`: `hyper-ppo` with an index, and five `hyper-ppo` that"
        " differ in their seed, play while all their networks are asked ([uncertainty](uncertainty.md))."
        " AUROC is the area under the ROC curve of a task's disagreement, of actions / of values: for"
        " extrapolation against interpolation tasks, and for failure, a return below half of the oracle, or,"
        ' where none is known, of the better of the two; "-" where every task or none fails. Coverage is the'
        " share of the episodes whose discounted return lies in the predicted 90 % interval, on interpolation"
        " / on extrapolation. Cost is the CPU time of training, over that of the index. Means over seeds."
    )
    cells = [
        [
            f"`{each.name}`",
            name,
            str(len(each.seeds)),
            _pair(each, way, "extrapolation"),
            _pair(each, way, "failure"),
            _coverage(each, way),
            f"{_cost(each, way):.2f}",
        ]
        for each in families
        for way, name in COLUMNS.items()
    ]
    heads = ["family", "networks", "seeds", "AUROC extrapolation", "AUROC failure", "coverage", "cost"]
    flags = [
        [f"`{each.name}`", f"{_share(each, SPLITS[0]):.1%}", f"{_share(each, SPLITS[1]):.1%}", _failing(each)]
        for each in families
    ]
    flag_heads = ["family", "interpolation flagged", "extrapolation flagged", "of failing extrapolation"]
    met = sum(_share(each, SPLITS[0]) <= MOST_FALSE_ALARMS for each in families)
    found = (
        f"The flag of exported files calls at most {MOST_FALSE_ALARMS:.0%} of the interpolation tasks far on"
        f" {met} of {len(families)} families (the agent with an index; ranges, distance and disagreement)."
    )
    parts = ["## What disagreement of networks tells", found, *cautions(families), about]
    parts += [table(heads, cells), table(flag_heads, flags)]
    return "\n\n".join([*parts, *([note.strip()] if note else [])]) + "\n"


def _answers(family: FamilyVariants) -> list[Mapping[str, Any]]:
    return [record["uncertainty"] for record in family.records]


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))


def _cost(family: FamilyVariants, way: str) -> float:
    """CPU time of training, over that of the agent with an index."""
    seconds = [answers["cpu_seconds"] for answers in _answers(family)]
    return _mean([each[way] / each[INDEX] for each in seconds])


def _pair(family: FamilyVariants, way: str, of: str) -> str:
    """The areas of actions and of values, means over the seeds that have both."""
    found = [answers["networks"][way][of] for answers in _answers(family)]
    known = [each for each in found if each is not None and None not in each.values()]
    if not known:
        return "-"
    return " / ".join(f"{_mean([each[kind] for each in known]):.2f}" for kind in ("actions", "values"))


def _coverage(family: FamilyVariants, way: str) -> str:
    shares = [
        [answers["networks"][way]["splits"][split]["coverage"]["0.9"] for answers in _answers(family)]
        for split in SPLITS
    ]
    return " / ".join(f"{_mean(each):.0%}" for each in shares)


def _share(family: FamilyVariants, split: str) -> float:
    """The share of a split's tasks that are flagged, over all seeds."""
    return _mean([flag["far"] for answers in _answers(family) for flag in answers["flag"][split]])


def _failing(family: FamilyVariants) -> str:
    """How many of the extrapolation tasks that the agent with an index fails are flagged, over all seeds."""
    flags = []
    for answers in _answers(family):
        failed = answers["failed"][INDEX][-len(answers["flag"][SPLITS[1]]) :]
        flags += [
            flag["far"] for flag, fails in zip(answers["flag"][SPLITS[1]], failed, strict=True) if fails
        ]
    return f"{sum(flags)} of {len(flags)}" if flags else "none fails"
