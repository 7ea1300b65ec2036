"""Evaluation in which agents observe the context of another task of the same split."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hyperrl.errors import UserError, user_syntax
from hyperrl.evaluation.task_selection import TaskSelection
from hyperrl.recipes import Context


def shuffled_contexts(selection: TaskSelection, seed: int) -> list[Context]:
    """For each task another one of its split, whose context an agent observes in place of its own.

    The tasks of a split pass their contexts on along one random cycle through all of them (Sattolo, "An
    algorithm to generate a random cyclic permutation", Information Processing Letters 22, 1986): none keeps
    its own, and each is observed in one task. Contexts and sweeps of the user's own are such a group too.

    Args:
        selection: the tasks.
        seed: of the cycles; each depends on it and on the number of tasks in the split alone.

    Raises:
        UserError: a split, or the tasks of the user's own, with a single task.
    """
    whole = [*zip(selection.splits[: selection.in_splits], selection.contexts, strict=False)]
    groups = {
        f"that of the split {split!r}": [task for name, task in whole if name == split]
        for split in dict.fromkeys(split for split, _ in whole)
    }
    own = user_syntax("contexts and sweep", "--context and --sweep")
    groups[f"that of {own}"] = list(selection.contexts[selection.in_splits :])
    observed: list[Context] = []
    for name, tasks in groups.items():
        if tasks:
            others = _cycle(name, list(dict.fromkeys(tasks)), seed)
            observed += [others[task] for task in tasks]
    return observed


def _cycle(name: str, tasks: Sequence[Context], seed: int) -> dict[Context, Context]:
    """For each task the next one of a random cycle through all."""
    if len(tasks) == 1:
        option = user_syntax("shuffle_contexts", "--shuffle-contexts")
        raise UserError(f"{option}: found a single task, {name}; allowed: two or more, which change places")
    order = np.random.default_rng(seed).permutation(len(tasks))
    return {tasks[here]: tasks[there] for here, there in zip(order, np.roll(order, -1), strict=True)}
