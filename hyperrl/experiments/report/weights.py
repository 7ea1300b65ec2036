"""The map of a run's tasks in weight space."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from hyperrl.evaluation import TaskResult
from hyperrl.evaluation.figures.weight_map import principal_components, weight_map

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hyperrl.evaluation.agent import Agent

_MOST_TASKS = 400


def draw_weight_map(agent: Agent, results: Sequence[TaskResult], label: str) -> Figure:
    """Draw the weights that an agent generates for the tasks of all splits, at most 400 of them.

    Args:
        agent: the agent.
        results: on the tasks, at least one.
        label: how the figure calls the agent.

    Raises:
        UserError: an agent that generates no weights, or whose weights follow what it observes.
    """
    tasks = results[:: -(-len(results) // _MOST_TASKS)]
    rows = [np.concatenate([part.ravel() for part in agent.weights(task.context).values()]) for task in tasks]
    return weight_map(
        principal_components(np.array(rows, dtype=np.float64)),
        [task.context for task in tasks],
        [task.split for task in tasks],
        agent.family,
        agent=label,
    )
