"""Results grouped as figures draw them, and the intervals of their means."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from hyperrl.evaluation.figures.style import SPLIT_COLORS
from hyperrl.evaluation.statistics import mean_error

if TYPE_CHECKING:
    from hyperrl.evaluation.zero_shot import TaskResult
    from hyperrl.recipes import Context
    from hyperrl.tasks import Family

K = TypeVar("K")


def group(results: Iterable[TaskResult], key: Callable[[TaskResult], K]) -> dict[K, list[TaskResult]]:
    """Results by their key, in the order in which the keys first appear."""
    groups: dict[K, list[TaskResult]] = {}
    for result in results:
        groups.setdefault(key(result), []).append(result)
    return groups


def by_task(results: Iterable[TaskResult]) -> list[list[TaskResult]]:
    """The runs' results on each task."""
    return list(group(results, lambda result: tuple(result.context.values())).values())


def count_runs(results: Iterable[TaskResult]) -> int:
    """How many runs the results are of: the most that any one task has."""
    return max(map(len, by_task(results)), default=0)


def by_value(results: Iterable[TaskResult], feature: str) -> dict[float, list[TaskResult]]:
    """The runs' results at each value of a feature, ascending."""
    return dict(sorted(group(results, lambda result: result.context[feature]).items()))


def by_split(results: Iterable[TaskResult], family: Family) -> dict[str, list[TaskResult]]:
    """Results of each split that has a color; the training ranges flag tasks of the user's own."""

    def split(result: TaskResult) -> str:
        return result.split if result.split in SPLIT_COLORS else family.flag(result.context)

    groups = group(results, split)
    return {name: groups[name] for name in SPLIT_COLORS if name in groups}


def interval(runs: Sequence[TaskResult]) -> tuple[float, float] | None:
    """95 % interval of the mean return of runs on one task, over runs and starts; None for one episode."""
    error = mean_error([[run.returns] for run in runs], rare=False)
    return None if error.low is None or error.high is None else (error.low, error.high)


def gaps(x: Sequence[float]) -> list[int]:
    """Indices of ascending values before which a line breaks, as nothing was tested in between.

    A gap is a step of more than 1.75 times the median step.
    """
    steps = np.diff(x)
    return [] if len(x) < 3 else (np.flatnonzero(steps > 1.75 * np.median(steps)) + 1).tolist()


def varying(family: Family, results: Iterable[TaskResult]) -> list[str]:
    """The features that differ between the tasks."""
    contexts = [result.context for result in results]
    return [name for name in family.space.names if len({context[name] for context in contexts}) > 1]


def training_tasks(family: Family, context: Mapping[str, float], features: Sequence[str]) -> list[Context]:
    """The training tasks that differ from a context in these features alone."""
    others = {name: value for name, value in context.items() if name not in features}
    return [task for task in family.tasks("train") if task.agrees(others)]
