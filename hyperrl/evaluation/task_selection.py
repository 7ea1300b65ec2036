"""The tasks of an evaluation: whole splits, contexts and sweeps, checked before anything is played."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hyperrl.errors import UserError, check_known, user_syntax
from hyperrl.recipes import ALL_SPLITS, MAX_TASKS, Context

if TYPE_CHECKING:
    from hyperrl.tasks import Family

DEFAULT_SPLITS = ("train", "interpolation", "extrapolation")

Sweep = tuple[str, float, float, int]
"""(feature, low, high, count): `count` equidistant values of a feature, `low` and `high` included."""


@dataclass(frozen=True)
class TaskSelection:
    """The tasks of one evaluation.

    Attributes:
        contexts: every task, complete: those of the splits, then the user's contexts, then the sweep.
        splits: the split of each; a task of the user's own is flagged train, interpolation or extrapolation.
        in_splits: how many tasks, from the start, are of whole splits.
        in_sweep: how many tasks, from the end, are of the sweep.
        swept: the features swept, at most two.
    """

    contexts: tuple[Context, ...]
    splits: tuple[str, ...]
    in_splits: int
    in_sweep: int
    swept: tuple[str, ...]


def select_tasks(
    family: Family,
    splits: Sequence[str] | None = None,
    contexts: Sequence[Mapping[str, float]] = (),
    sweeps: Sequence[Sweep] = (),
) -> TaskSelection:
    """Gather and check the tasks of an evaluation.

    Args:
        family: whose tasks they are.
        splits: names; none takes train, interpolation and extrapolation, or no split where there are
            contexts or a sweep.
        contexts: tasks of the user's own; features left out take their defaults.
        sweeps: one feature gives a line of tasks, two their grid; other features take their defaults.

    Raises:
        UserError: an unknown split or feature, a value that is not finite, a sweep of more than two
            features or of fewer than two values, or nothing to evaluate.
    """
    if not splits:
        splits = () if contexts or sweeps else DEFAULT_SPLITS
    named = [(split, task) for split in dict.fromkeys(splits) for task in family.tasks(split)]
    own = [family.space.complete(context) for context in (*contexts, *_grid(family, sweeps))]
    if not named and not own:
        some = ", ".join(split for split in ALL_SPLITS if family.tasks(split))
        raise UserError(
            f"family {family.name!r}: no task to evaluate in splits {', '.join(splits)}; allowed: {some}"
        )
    return TaskSelection(
        contexts=(*(task for _, task in named), *own),
        splits=(*(split for split, _ in named), *map(family.flag, own)),
        in_splits=len(named),
        in_sweep=len(own) - len(contexts),
        swept=tuple(feature for feature, *_ in sweeps),
    )


def _grid(family: Family, sweeps: Sequence[Sweep]) -> list[Context]:
    """The points of a sweep, by its features alone."""
    names = [feature for feature, *_ in sweeps]
    if len(sweeps) > 2:
        raise UserError(f"sweep: one feature or two, found {len(sweeps)} ({', '.join(names)})")
    if len(set(names)) < len(names):
        raise UserError(f"sweep: {names[0]!r} is given twice")
    axes = {sweep[0]: _axis(family, sweep) for sweep in sweeps}
    count = math.prod(map(len, axes.values()))
    if count > MAX_TASKS:
        raise UserError(f"sweep: {count} tasks, at most {MAX_TASKS} are allowed")
    return family.space.grid(axes) if sweeps else []


def _axis(family: Family, sweep: Sweep) -> list[float]:
    name, low, high, count = sweep
    where = user_syntax("sweep", "--sweep")
    check_known(where, "feature", [name], family.space.names)
    if not (low < high and math.isfinite(high - low)):
        raise UserError(
            f"{where}: {name} goes from {low} to {high}; two finite numbers, the lower first, are needed"
        )
    if not 2 <= count <= MAX_TASKS:
        raise UserError(f"{where}: {name} takes {count} values; from 2 to {MAX_TASKS} are allowed")
    return [float(value) for value in np.linspace(low, high, count)]
