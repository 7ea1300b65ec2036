"""Tasks that arrive one after another."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hyperrl.arguments import integer, to_int
from hyperrl.errors import UserError, user_syntax
from hyperrl.recipes import Context, FamilyRecipe
from hyperrl.tasks.contexts import ContextSpace, assignment
from hyperrl.tasks.sampler import TaskSampler
from hyperrl.tasks.splits import only_tasks

TaskSequence = int | Sequence[Mapping[str, float]]
"""Tasks in the order in which they arrive, or how many of a family's training tasks these are."""


def in_sequence(
    recipe: FamilyRecipe, space: ContextSpace, sequence: TaskSequence, tasks: Callable[[str], list[Context]]
) -> FamilyRecipe:
    """A family whose training tasks are those of a sequence, in its order, and which has no others.

    Args:
        recipe: the family.
        space: its features.
        sequence: contexts within the declared ranges; or a number N: N of the training tasks, evenly spread
            over the order in which the family lists them.
        tasks: lists a split's tasks.

    Raises:
        UserError: fewer than two tasks, a task that comes twice, or a wrong context.
    """
    where = user_syntax("sequence", "--sequence")
    if isinstance(sequence, int):
        trained = tasks("train")
        count = to_int(where, sequence, integer(2, len(trained)))
        chosen = [trained[round(i * (len(trained) - 1) / (count - 1))] for i in range(count)]
        return only_tasks(recipe, space, chosen, where)
    found = [space.complete(context) for context in sequence]
    if len(found) < 2:
        raise UserError(f"{recipe.name}: {where}: found one task; allowed: at least 2, one after another")
    for index, context in enumerate(found):
        if context in found[:index]:
            raise UserError(f"{recipe.name}: {where}: found {assignment(context)} twice; allowed: once")
    return only_tasks(recipe, space, found, where)


class SequentialSampler(TaskSampler):
    """Hands out one task alone, the current one, until it is told the next.

    Attributes:
        current: its number.
    """

    def __init__(self, contexts: Sequence[Mapping[str, float]]) -> None:
        """Take the tasks, at least one, in their order."""
        super().__init__(contexts, seed=0)
        self.current = 0

    def next(self) -> int:
        """The current task."""
        return self.current

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """1 for the current task, 0 for all others."""
        certain = np.zeros(len(self.contexts))
        certain[self.current] = 1.0
        return certain

    def get_state(self) -> dict[str, Any]:
        """State as plain JSON data."""
        return {**super().get_state(), "current": self.current}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Go on from what `get_state` gave; ValueError where there is no such task."""
        super().set_state(state)
        current = int(state["current"])
        if not 0 <= current < len(self.contexts):
            raise ValueError(f"the sampler is at task {current} of {len(self.contexts)}")
        self.current = current
