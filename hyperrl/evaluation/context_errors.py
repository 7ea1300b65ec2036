"""Evaluation in which the context that agents observe is off by errors of given sizes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from hyperrl.evaluation.error_report import ErrorResult, check_error_sizes
from hyperrl.evaluation.policy import Policy
from hyperrl.evaluation.progress import Progress
from hyperrl.evaluation.task_selection import TaskSelection
from hyperrl.evaluation.zero_shot import TaskResult, evaluate_tasks, task_words
from hyperrl.tasks.context_errors import ContextErrors, Directions

if TYPE_CHECKING:
    from hyperrl.recipes import Context
    from hyperrl.tasks import Family

DRAWS = 4
"""Errors of each size that a task is played with: two, and the two that point to the other sides."""

_STREAM = 1
"""Sets the seeds of errors apart from those of starts."""


def check_sizes(sizes: Sequence[float]) -> list[float]:
    """The sizes in rising order, each once, as floats; UserError where one is not above 0 and at most 1."""
    return check_error_sizes(sizes, "context_error", 1, "parts of a feature's training range")


def play_with_errors(
    policy: Policy,
    family: Family,
    selection: TaskSelection,
    sizes: Sequence[float],
    *,
    episodes: int,
    seed: int = 0,
    observed: Sequence[Context] | None = None,
    progress: Progress | None = None,
) -> tuple[ErrorResult, ...]:
    """Play all tasks with errors of each size in what is observed of their contexts.

    Every task is played with `DRAWS` errors of a size, each from the starts that the task has anyway. An
    error points to one side for each feature, drawn from the seed and the task's values; the next error
    points to the other sides. Errors of all sizes point to the same sides.

    Args:
        policy: as in `evaluate_tasks`.
        family: the tasks' family.
        selection: the tasks.
        sizes: in parts of a feature's training range; of features with `values`, the probability of another
            one.
        episodes: per task and error.
        seed: of the starts and the errors.
        observed: contexts that are observed in the place of the tasks' own, before the errors.
        progress: as in `evaluate_tasks`.
    """
    drawn, tasks = ContextErrors(family.space), selection.contexts
    directions = [_directions(drawn, context, seed) for context in tasks]
    errors = [error for size in sizes for each in directions for error in drawn.of_size(each, size)]
    repeated = np.tile(np.repeat(np.arange(len(tasks)), DRAWS), len(sizes)).tolist()
    played = evaluate_tasks(
        policy, family, [tasks[task] for task in repeated], episodes=episodes, seed=seed,
        splits=[selection.splits[task] for task in repeated],
        observed=None if observed is None else [observed[task] for task in repeated],
        errors=errors, progress=progress,
    )  # fmt: skip
    means = [_mean(played[first : first + DRAWS]) for first in range(0, len(played), DRAWS)]
    results, whole = [], selection.in_splits
    for number, size in enumerate(sizes):
        own = means[number * len(tasks) : (number + 1) * len(tasks)]
        results.append(ErrorResult(size, DRAWS, own[:whole], own[whole:]))
    return tuple(results)


def _directions(errors: ContextErrors, context: Context, seed: int) -> Directions:
    """A task's directions, which depend on the seed and its values alone."""
    sequence = np.random.SeedSequence([seed, *task_words(context)], spawn_key=(_STREAM,))
    return errors.draw_directions(DRAWS, np.random.default_rng(sequence))


def _mean(draws: Sequence[TaskResult]) -> TaskResult:
    """One task's results over the draws: of each episode, and so of each start, the mean return."""
    returns = np.mean([result.returns for result in draws], axis=0).tolist()
    lengths = np.rint(np.mean([result.lengths for result in draws], axis=0)).astype(int).tolist()
    return replace(draws[0], returns=returns, lengths=lengths)
