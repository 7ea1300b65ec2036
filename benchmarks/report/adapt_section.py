"""The part of the results page that says what identifying an unknown task is worth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.learning.adapt import (
    AFTER,
    CONCAT,
    GOALS,
    HYPER,
    LEARNED,
    LEARNED_TASKS,
    SCRATCH,
    SEEDS,
    SPECIALIST,
    TASKS,
    UNSEEN,
    at,
    exact,
)
from benchmarks.report.goals import Verdict
from benchmarks.report.speed_section import table
from benchmarks.report.variants import FamilyVariants, Interval

AGENTS = {HYPER: "`hyper-ppo`", CONCAT: "`concat-ppo`"}
LEARNING = {
    HYPER: "`hyper-ppo`, identifying",
    SPECIALIST: "its network for the defaults, learning on",
    SCRATCH: "the same from scratch",
}
"""What plays: its role in the results, and its name."""


def section(families: Sequence[FamilyVariants], note: str | None) -> str:
    """The section in Markdown.

    Args:
        families: results of the benchmark.
        note: what a person makes of it.
    """
    counts = " / ".join(map(str, AFTER[1:]))
    about = (
        f"`python -m benchmarks.learning.adapt`: agents act on {TASKS} tasks that they were not trained on,"
        f" and whose contexts they are not given ([adapting](adapting.md)); the episode after {counts} others"
        " is played with the context that those tell, the first with the defaults. A cell is its return as a"
        " part of that of the same agent, from the same starts, with the true context: the mean over seeds,"
        " with the lowest and the highest seed. Where returns are negative (*), both are measured from the"
        " return of the untrained agent."
    )
    learning = (
        f"On {LEARNED_TASKS} of these tasks a plain network learns by PPO in the place of identifying, with"
        " an update after each episode: mean returns with their 95 % intervals over seeds and tasks, by the"
        " number of episodes of full length before the one that counts."
    )
    heads = ["family", "agent", "seeds", "with the true context", *(f"after {count}" for count in AFTER)]
    columns = ["family", "seeds", "episodes before", *LEARNING.values()]
    parts = [
        "## What identifying an unknown task is worth",
        about,
        table(heads, _shares(families)),
        learning,
        table(columns, _returns(families)),
    ]
    return "\n\n".join([*parts, *([note.strip()] if note else [])]) + "\n"


def verdicts(families: Sequence[FamilyVariants]) -> Iterator[Verdict]:
    """The goals of the families that there are results for."""
    for each in families:
        goal, found = GOALS[each.name], share(each, HYPER, 1)
        of = "the return with the true context"
        if not positive(each, HYPER):
            of = "the way from the untrained agent to the return with the true context"
        yield Verdict(
            f"`{each.name}`: `hyper-ppo` reaches {goal:.0%} of {of} after one episode of an unknown task, in"
            " the mean over seeds",
            f"{_percent(found)} over {len(found)} of {len(SEEDS)} seeds",
            bool(found.mean() >= goal),
        )


def positive(family: FamilyVariants, role: str) -> bool:
    """Whether returns with the true context are above 0 in each seed, so that parts of them make sense."""
    return all(bool((_means(family, exact(role, count)) > 0).all()) for count in AFTER)


def share(family: FamilyVariants, role: str, count: int) -> NDArray[np.float64]:
    """The return after so many episodes as a part of that with the true context, (seeds,).

    Where returns are negative, the part of the way to it from the return of the untrained agent on
    interpolation, as in `benchmarks.report.comparison.there`.
    """
    found, true = _means(family, at(role, count)), _means(family, exact(role, count))
    start = np.zeros(len(found))
    if not positive(family, role):
        start = np.array([record["untrained"][role] for record in family.records])
    parts: NDArray[np.float64] = (found - start) / (true - start)
    return parts


def _means(family: FamilyVariants, name: str) -> NDArray[np.float64]:
    means: NDArray[np.float64] = family.scores(name, UNSEEN).mean(axis=1)
    return means


def _shares(families: Sequence[FamilyVariants]) -> Iterator[list[str]]:
    for each in families:
        for role, agent in AGENTS.items():
            cells = [_percent(share(each, role, count)) for count in AFTER]
            true = np.mean([each.scores(exact(role, count), UNSEEN) for count in AFTER], axis=0)
            name = f"`{each.name}`{'' if positive(each, role) else '*'}"
            yield [name, agent, str(len(each.seeds)), str(Interval.of(true)), *cells]


def _percent(parts: NDArray[np.float64]) -> str:
    if len(parts) == 1:
        return f"{parts[0]:.1%}"
    return f"{parts.mean():.1%} [{parts.min():.1%}, {parts.max():.1%}]"


def _returns(families: Sequence[FamilyVariants]) -> Iterator[list[str]]:
    for each in families:
        for count in AFTER:
            cells = [str(each.mean(at(role, count), LEARNED)) for role in LEARNING]
            yield [f"`{each.name}`", str(len(each.seeds)), str(count), *cells]
