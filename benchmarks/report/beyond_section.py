"""The part of the results page that says what agents should do beyond the training ranges."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.learning.beyond import BLIND, CHOICES, HELD_OUT
from benchmarks.report.comparison import number
from benchmarks.report.speed_section import table
from benchmarks.report.variants import FamilyVariants, Interval
from hyperrl.recipes import RIM
from hyperrl.tasks.contexts import assignment

LINEAR, SATURATE = CHOICES
INTERPOLATION, EXTRAPOLATION = "interpolation", "extrapolation"


@dataclass(frozen=True)
class SuiteChoice:
    """One choice for all families, by the rim.

    Attributes:
        choice: `linear` or `saturate`.
        share: over families, the mean share of the rim's tasks and seeds on which `saturate` returns more
            (equal ones count half); its interval is over families.
    """

    choice: str
    share: Interval


def choice_of(results: FamilyVariants) -> str:
    """What does better on the rim of a family; `either` where there is no difference at all."""
    gap = results.difference(SATURATE, LINEAR, RIM).value
    return SATURATE if gap > 0 else LINEAR if gap < 0 else "either"


def choice_of_suite(rims: Mapping[float, Sequence[FamilyVariants]]) -> SuiteChoice:
    """What returns more on most of the rims' tasks, every family counting the same.

    Args:
        rims: results by the factor that ranges were shrunk by.
    """
    shares: dict[str, list[float]] = {}
    for results in (each for families in rims.values() for each in families):
        gap = results.scores(SATURATE, RIM) - results.scores(LINEAR, RIM)
        shares.setdefault(results.name, []).append(float(np.mean((gap > 0) + 0.5 * (gap == 0))))
    share = Interval.of(np.array([[np.mean(each) for each in shares.values()]]))
    return SuiteChoice(SATURATE if share.value > 0.5 else LINEAR, share)


def section(
    rims: Mapping[float, Sequence[FamilyVariants]], without_effort: Sequence[FamilyVariants], note: str | None
) -> str:
    """The section in Markdown.

    Args:
        rims: results of the benchmark by the factor that ranges were shrunk by; what is reported beside the
            choice is of the first.
        without_effort: results of the same agents without a price on effort.
        note: what a person makes of it.
    """
    suite, families = choice_of_suite(rims), next(iter(rims.values()))
    parts = [*_choice(rims, suite), *_reported(families, suite)]
    parts += _effort(families, without_effort, suite)
    return "\n\n".join([*parts, *([note.strip()] if note else [])]) + "\n"


def _choice(rims: Mapping[float, Sequence[FamilyVariants]], suite: SuiteChoice) -> Iterator[str]:
    yield "## Beyond the training ranges"
    yield (
        "`python -m benchmarks.learning.beyond`: `policy.beyond` says what an agent does on tasks outside its"
        " training ranges. Here the ranges of all features are shrunk. Agents train on what is left. The"
        f" choice is made by {HELD_OUT['count']} tasks of the band between, the *rim*, which nothing else"
        " sees. Both choices play the same weights. A cell is the mean over seeds and tasks with its 95 %"
        " interval over both. Differences are taken task by task and seed by seed, and are bold where their"
        " interval leaves zero out."
    )
    for factor, families in rims.items():
        yield f"Ranges shrunk to {factor:.0%} of their width:"
        gaps = {results.name: results.difference(SATURATE, LINEAR, RIM) for results in families}
        cells = [
            [
                f"`{results.name}`", results.records[0]["agents"]["hyper"], _numbers(results.seeds),
                str(results.mean(LINEAR, RIM)), str(results.mean(SATURATE, RIM)), gaps[results.name].signed,
                choice_of(results), results.difference(SATURATE, LINEAR, EXTRAPOLATION).signed,
            ]
            for results in families
        ]  # fmt: skip
        columns = ["rim, linear", "rim, saturate", "rim, saturate - linear", "choice by the rim"]
        yield table(["family", "agent", "seeds", *columns, "extrapolation, saturate - linear"], cells)
        above, below = (sum(getattr(gap, side) for gap in gaps.values()) for side in ("above", "below"))
        yield (
            f"By this rim, saturating is clearly better on {above} of {len(families)} families, and clearly"
            f" worse on {below}."
        )
    yield (
        f"Saturating returns more on {_percent(suite.share)} of the rims' tasks and seeds, where equal"
        " returns count half and every family counts the same. For all families together the choice is"
        f" `{suite.choice}`."
    )


def _reported(families: Sequence[FamilyVariants], suite: SuiteChoice) -> Iterator[str]:
    """The splits that nothing was chosen by."""
    yield (
        "Extrapolation, by which nothing was chosen, of the agents of the first table, with the agent that"
        f" never sees the context (`blind-*`) beside them; the last column is for `{suite.choice}`:"
    )
    header = ["family", "linear", "saturate", "saturate - linear", "blind", f"{suite.choice} - blind"]
    yield table(header, [_line(results, suite, EXTRAPOLATION) for results in families])
    outside = {each.name: each.difference(BLIND, suite.choice, EXTRAPOLATION) for each in families}
    better = [f"`{name}` by {gap.signed.strip('*')}" for name, gap in outside.items() if gap.above]
    inside = {
        each.name: each.difference(BLIND, suite.choice, INTERPOLATION)
        for each in families
        if INTERPOLATION in each.splits
    }
    also = [f"`{name}`" for name, gap in inside.items() if gap.above and outside[name].above]
    yield (
        f"The blind agent is clearly better outside on {len(better)} of {len(families)} families"
        f"{': ' + ', '.join(better) if better else ''}."
        + (f" On {', '.join(also)} it is so inside, too." if also else "")
    )
    yield f"The worst task of any seed, and where it is for `{suite.choice}` outside:"
    columns = [(split, name) for split in (RIM, EXTRAPOLATION) for name in (*CHOICES, BLIND)]
    cells = [
        [
            f"`{each.name}`",
            *(number(each.worst(name, split)["mean"]) for split, name in columns),
            assignment(each.worst(suite.choice, EXTRAPOLATION)["context"], 3),
        ]
        for each in families
    ]
    yield table(["family", *(f"{split}, {name}" for split, name in columns), "at"], cells)


def _line(results: FamilyVariants, suite: SuiteChoice, split: str) -> list[str]:
    return [
        f"`{results.name}`",
        *(str(results.mean(choice, split)) for choice in CHOICES),
        results.difference(SATURATE, LINEAR, split).signed,
        str(results.mean(BLIND, split)),
        results.difference(suite.choice, BLIND, split).signed,
    ]


def _effort(
    families: Sequence[FamilyVariants], without: Sequence[FamilyVariants], suite: SuiteChoice
) -> Iterator[str]:
    """Whether the price on effort is worth anything beyond the ranges, on the seeds that both have."""
    known = {results.name: results for results in families}
    cells, gaps = [], []
    for free in (each for each in without if each.name in known):
        seeds = [seed for seed in free.seeds if seed in known[free.name].seeds]
        if not seeds:
            continue
        row = [f"`{free.name}`", _numbers(seeds)]
        for split, choice in ((RIM, SATURATE), (RIM, LINEAR), (EXTRAPOLATION, suite.choice)):
            with_price, without_price = (
                each.scores(choice, split)[[each.seeds.index(seed) for seed in seeds]]
                for each in (known[free.name], free)
            )
            gap = Interval.of(without_price - with_price)
            gaps += [gap] if (split, choice) == (RIM, suite.choice) else []
            row += [str(Interval.of(with_price)), gap.signed]
        cells.append(row)
    if not cells:
        return
    yield (
        "The price on effort, `effort_coef`, makes the gentlest of equal controllers win. Without it"
        " (`--effort-0`), the rim says:"
    )
    header = ["family", "seeds"]
    for what in ("rim, saturate", "rim, linear", f"extrapolation, {suite.choice}"):
        header += [f"{what}, priced", "free - priced"]
    yield table(header, cells)
    above, below = (sum(getattr(gap, side) for gap in gaps) for side in ("above", "below"))
    yield (
        f"With `{suite.choice}`, agents without a price are clearly better on the rims of {above} of"
        f" {len(gaps)} families, and clearly worse on {below}."
    )


def _numbers(seeds: Sequence[int]) -> str:
    return str(seeds[0]) if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]}"


def _percent(share: Interval) -> str:
    if share.low is None or share.high is None:
        return f"{share.value:.0%}"
    return f"{share.value:.0%} [{max(share.low, 0):.0%}, {min(share.high, 1):.0%}]"
