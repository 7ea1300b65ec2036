"""Evaluation in which the observations of agents are off by bounded noise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hyperrl.evaluation.error_report import ErrorResult, check_error_sizes
from hyperrl.evaluation.policy import Policy
from hyperrl.evaluation.progress import Progress, parts_of
from hyperrl.evaluation.task_selection import TaskSelection
from hyperrl.evaluation.zero_shot import evaluate_tasks
from hyperrl.tasks.observation_noise import ObservationNoise, observation_scales

if TYPE_CHECKING:
    from hyperrl.recipes import Context
    from hyperrl.tasks import Family

LARGEST = 10.0


def check_noise(sizes: Sequence[float]) -> list[float]:
    """The sizes in rising order, each once, as floats; UserError where one is not above 0 and at most 10."""
    unit = "standard deviations of an observation's entries"
    return check_error_sizes(sizes, "observation_noise", LARGEST, unit)


def play_with_noise(
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
    """Play all tasks with noise of each size on observations, from the starts that the tasks have anyway.

    At each step each number that is observed is off by a number of its own, drawn uniformly from minus to
    plus its bound. It depends on the start and the step alone: noise of two sizes differs by its size only.

    Args:
        policy: as in `evaluate_tasks`.
        family: the tasks' family.
        selection: the tasks.
        sizes: bounds of the noise, in parts of the entries' scales (`observation_scales`).
        episodes: per task.
        seed: of the starts, and so of the noise.
        observed: contexts that are observed in the place of the tasks' own.
        progress: as in `evaluate_tasks`.

    Raises:
        UserError: as `observation_scales` and `evaluate_tasks`.
    """
    scales, results, whole = observation_scales(family), [], selection.in_splits
    steps = len(selection.contexts) * episodes
    for size, hook in zip(sizes, parts_of(progress, [steps] * len(sizes)), strict=True):
        played = evaluate_tasks(
            policy, family, selection.contexts, episodes=episodes, seed=seed, splits=selection.splits,
            observed=observed, noise=ObservationNoise(scales, size), progress=hook,
        )  # fmt: skip
        results.append(ErrorResult(size, 1, played[:whole], played[whole:]))
    return tuple(results)
