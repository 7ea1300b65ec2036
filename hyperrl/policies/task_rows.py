"""Observations that say which rows are of the same task, so that no network has to look for them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces
from jaxtyping import Float
from torch import Tensor

from hyperrl.nets import Rows
from hyperrl.recipes import CONTEXT


class TaskRows(dict[str, Any]):
    """A minibatch of observations, as a buffer hands it out that knows which rows are of the same task.

    Args:
        observations: The parts of the observations by key, (row, ...) each, the context among them.
        tasks: Different contexts, (task, descriptor); not every one needs to have a row.
        rows: Which task each row belongs to.
    """

    def __init__(
        self,
        observations: Mapping[str, Tensor],
        tasks: Float[Tensor, "task descriptor"],
        rows: Rows,
    ) -> None:
        super().__init__(observations)
        self.tasks, self.rows = tasks, rows


def known_tasks(observations: object) -> TaskRows | None:
    """The observations, where it is known which rows are of the same task; else None."""
    return observations if isinstance(observations, TaskRows) else None


def can_know_tasks(space: spaces.Space[Any]) -> bool:
    """Whether observations have a context that is one vector of numbers."""
    context = space.spaces.get(CONTEXT) if isinstance(space, spaces.Dict) else None
    return isinstance(context, spaces.Box) and context.dtype == np.float32 and len(context.shape) == 1
