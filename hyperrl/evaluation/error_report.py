"""Results of an evaluation in which contexts or observations were wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NotRequired, TypedDict

from hyperrl.errors import UserError, user_syntax
from hyperrl.evaluation.summary import SplitSummary, pooled, summarize, summary_of
from hyperrl.evaluation.zero_shot import TaskResult


class ErrorSummary(TypedDict):
    """Returns where contexts, or observations, were wrong by one size.

    Attributes:
        error: of contexts in parts of a feature's training range, or, of features with `values`, the
            probability of another one; of observations in parts of the standard deviation of their entries.
        draws: errors of this size for each task; a task's return is the mean over them.
        splits: every split in numbers, as for the contexts as they are.
        tasks: `context`, `split`, `returns` (of each episode) and `mean` of each task.
        own: the user's own contexts and sweeps together, in numbers; present where there are some.
    """

    error: float
    draws: int
    splits: dict[str, SplitSummary]
    tasks: list[dict[str, Any]]
    own: NotRequired[SplitSummary]


def check_error_sizes(sizes: Sequence[float], parameter: str, largest: float, unit: str) -> list[float]:
    """The sizes in rising order, each once, as floats.

    Args:
        sizes: of errors.
        parameter: what the Python function calls them; the command's option is called alike.
        largest: the largest that is allowed.
        unit: what messages say that they are measured in.

    Raises:
        UserError: a size is not above 0 and at most `largest`.
    """
    for size in sizes:
        if not 0 < size <= largest:
            option = user_syntax(parameter, f"--{parameter.replace('_', '-')}")
            allowed = f"numbers above 0, at most {largest:g}, in {unit}"
            raise UserError(f"{option}: found {size:g}; allowed: {allowed}")
    return sorted({float(size) for size in sizes})


@dataclass(frozen=True)
class ErrorResult:
    """One run's results where contexts, or observations, were wrong by one size.

    Attributes:
        error: the size, as `ErrorSummary` has it.
        draws: errors of this size for each task.
        split_tasks: results on whole splits; the return of an episode is the mean over the draws.
        own_tasks: likewise on the user's own contexts and sweeps.
    """

    error: float
    draws: int
    split_tasks: list[TaskResult]
    own_tasks: list[TaskResult]

    @property
    def tasks(self) -> list[TaskResult]:
        """All results: splits first."""
        return [*self.split_tasks, *self.own_tasks]


def summarize_error(runs: Sequence[ErrorResult], seeds: Sequence[int]) -> ErrorSummary:
    """The results of all runs at one size of the error."""
    summary = ErrorSummary(
        error=runs[0].error,
        draws=runs[0].draws,
        splits=summarize(*(run.split_tasks for run in runs), seeds=seeds),
        tasks=[_short(task) for task in pooled(*(run.tasks for run in runs))],
    )
    if runs[0].own_tasks:
        summary["own"] = summary_of([run.own_tasks for run in runs], seeds)
    return summary


def _short(task: TaskResult) -> dict[str, Any]:
    """What an entry of `context_errors` has of a task."""
    return {"context": dict(task.context), "split": task.split, "returns": task.returns, "mean": task.mean}
