"""Tasks on which a policy is worst: what a search for them is asked, and what it finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, TypedDict

from hyperrl.arguments import WORST_BUDGET, to_int
from hyperrl.errors import UserError, user_syntax
from hyperrl.evaluation.statistics import mean_error
from hyperrl.evaluation.zero_shot import TaskResult
from hyperrl.extras import refuse_missing

if TYPE_CHECKING:
    from hyperrl.tasks import Family

CRITERIA = ("return", "regret")
"""What tasks are the worst by."""

BUDGET, SERIAL_BUDGET = 2000, 200
"""Episodes of a search where no number is given: where all environments advance as one batch, and where they
are played one after the other."""

FOUND = 5
"""Tasks that a search reports."""

FRESH_EPISODES = 20
"""Episodes of each reported task, unless the user or the family wants another number."""


@dataclass(frozen=True)
class WorstRequest:
    """What a search looks for.

    Attributes:
        by: the lowest "return", or the largest "regret", the oracle less the return.
        within: the ranges that are searched: the widest that are "declared", or those of "training".
        budget: the most episodes that the search plays.
        fresh: episodes of each reported task, on starts that the search does not see.
    """

    by: str
    within: str
    budget: int
    fresh: int

    @property
    def episodes(self) -> int:
        """The most episodes in all."""
        return self.budget + FOUND * self.fresh


def worst_request(
    family: Family, by: str | None, within: Literal["declared", "training"] | None, budget: int | None,
    episodes: int | None,
) -> WorstRequest | None:  # fmt: skip
    """The request of the arguments of an evaluation; None where no search is asked for.

    Args:
        family: whose tasks are searched.
        by: one of `CRITERIA`; None: no search.
        within: the ranges that are searched; None: the declared ones.
        budget: episodes; None: `BUDGET` or `SERIAL_BUDGET`.
        episodes: of each reported task; None: the family's own, at least `FRESH_EPISODES`.

    Raises:
        UserError: options of a search without one, regret where no best returns are known, a budget out of
            range, or the extra is missing.
    """
    option = user_syntax("worst", "--worst")
    if by is None:
        for value, name in ((within, "worst_within"), (budget, "worst_budget")):
            if value is not None:
                given = user_syntax(name, f"--{name.replace('_', '-')}")
                raise UserError(f"{given}: found {value!r} without {option}; allowed: with it alone")
        return None
    if by == "regret" and family.oracle(family.space.default) is None:
        raise UserError(
            f"{option}: found regret on family {family.name!r}, whose best returns are not known;"
            " allowed: return"
        )
    refuse_missing("search", option)
    if budget is not None:
        budget = to_int("worst_budget", budget, WORST_BUDGET)
    default = BUDGET if family.batched else SERIAL_BUDGET
    fresh = episodes or max(family.recipe.evaluation.episodes, FRESH_EPISODES)
    return WorstRequest(by, within or "declared", budget or default, fresh)


class WorstTask(NamedTuple):
    """A task that a search found.

    Attributes:
        result: its episodes on starts that the search did not see.
        searched: its mean return in the search, by which it was chosen, and so lower than what it returns.
    """

    result: TaskResult
    searched: float


@dataclass(frozen=True)
class WorstTasks:
    """What a search found.

    Attributes:
        request: what it looked for.
        candidates: all tasks that it tried, with their returns in the search.
        found: the worst of them, that of the search first.
    """

    request: WorstRequest
    candidates: list[TaskResult]
    found: list[WorstTask]


class WorstEntry(TypedDict):
    """A task that a search found, in numbers.

    Attributes:
        context: raw value of every feature.
        split: how the task is flagged by the family's ranges.
        seed: of the run.
        mean: mean return on starts that the search did not see.
        low: lower end of its 95 % interval; None where it is not known.
        high: its upper end.
        searched: mean return in the search.
        oracle: best known return; None where none is known.
        of_oracle: mean return as a part of it; None unless it is above 0.
        regret: the oracle less the mean return; None where no oracle is known.
    """

    context: dict[str, float]
    split: str
    seed: int
    mean: float
    low: float | None
    high: float | None
    searched: float
    oracle: float | None
    of_oracle: float | None
    regret: float | None


class WorstSummary(TypedDict):
    """What the searches of all runs found.

    Attributes:
        by: what tasks are the worst by.
        within: the ranges that were searched.
        budget: the most episodes of a search.
        candidates: tasks that were tried, by all runs.
        episodes: of each reported task.
        tasks: those that each run found, the worst first.
    """

    by: str
    within: str
    budget: int
    candidates: int
    episodes: int
    tasks: list[WorstEntry]


def summarize_worst(searches: Sequence[WorstTasks], seeds: Sequence[int]) -> WorstSummary:
    """What the searches of some runs found; `seeds` are those of the runs."""
    request = searches[0].request
    return WorstSummary(
        by=request.by, within=request.within, budget=request.budget,
        candidates=sum(len(search.candidates) for search in searches), episodes=request.fresh,
        tasks=[
            _entry(task, seed)
            for search, seed in zip(searches, seeds, strict=True)
            for task in search.found
        ],
    )  # fmt: skip


def _entry(task: WorstTask, seed: int) -> WorstEntry:
    result, error = task.result, mean_error([[task.result.returns]])
    oracle = result.oracle
    return WorstEntry(
        context=dict(result.context), split=result.split, seed=seed, mean=result.mean, low=error.low,
        high=error.high, searched=task.searched, oracle=oracle, of_oracle=result.of_oracle,
        regret=None if oracle is None else oracle - result.mean,
    )  # fmt: skip
