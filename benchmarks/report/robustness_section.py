"""The part of the results page that says what training against the worst tasks is worth."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.learning.robustness import SAMPLERS
from benchmarks.report.speed_section import table
from benchmarks.report.variants import FamilyVariants, Interval, cautions

UNIFORM, ADVERSARIAL = SAMPLERS[0], SAMPLERS[-1]


def section(families: Sequence[FamilyVariants], note: str | None) -> str:
    """The section in Markdown.

    Args:
        families: results of the benchmark.
        note: what a person makes of it.
    """
    about = (
        "`python -m benchmarks.learning.robustness`: `hyper-ppo` trains on the same tasks with each of the"
        " samplers ([robustness](robustness.md#training-against-the-worst-tasks)). *worst decile* is the mean"
        " return on the tenth of the tasks with the lowest returns, of each seed its own; *mean* that on all"
        " tasks. A cell is the mean over seeds with its 95 % interval over them; a gain is over `uniform` of"
        " the same seed, bold where its interval leaves zero out."
    )
    cells = [
        [
            f"`{each.name}`",
            split,
            f"`{sampler}`",
            str(len(each.seeds)),
            *(
                cell
                for scores, plain in (
                    (worst_decile(each, sampler, split), worst_decile(each, UNIFORM, split)),
                    (_means(each, sampler, split), _means(each, UNIFORM, split)),
                )
                for cell in (
                    str(Interval.of(scores)),
                    "" if sampler == UNIFORM else Interval.of(scores - plain).signed,
                )
            ),
        ]
        for each in families
        for split in each.splits
        for sampler in SAMPLERS
    ]
    heads = ["family", "split", "sampler", "seeds", "worst decile", "gain", "mean", "gain"]
    lines = [(each, split) for each in families for split in each.splits]
    better = sum(
        Interval.of(worst_decile(each, ADVERSARIAL, split) - worst_decile(each, UNIFORM, split)).above
        for each, split in lines
    )
    found = (
        "The worst decile is better with `adversarial` than with `uniform`"
        f" on {better} of {len(lines)} splits."
    )
    parts = [
        "## What training against the worst tasks is worth",
        found,
        *cautions(families),
        about,
        table(heads, cells),
    ]
    return "\n\n".join([*parts, *([note.strip()] if note else [])]) + "\n"


def worst_decile(family: FamilyVariants, name: str, split: str) -> NDArray[np.float64]:
    """Mean return of each seed on the tenth of its tasks with the lowest returns, (seeds, 1)."""
    scores = np.sort(family.scores(name, split), axis=1)
    means: NDArray[np.float64] = scores[:, : math.ceil(scores.shape[1] / 10)].mean(axis=1, keepdims=True)
    return means


def _means(family: FamilyVariants, name: str, split: str) -> NDArray[np.float64]:
    means: NDArray[np.float64] = family.scores(name, split).mean(axis=1, keepdims=True)
    return means
