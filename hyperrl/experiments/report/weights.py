"""The map of a run's tasks in weight space."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from hyperrl.errors import UserError
from hyperrl.evaluation.figures.weight_map import principal_components, weight_map
from hyperrl.experiments.collect import AgentRuns
from hyperrl.garbage import collection_paused
from hyperrl.store import Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hyperrl.tasks import Family

_MOST_TASKS = 400


def draw_weight_map(agent: AgentRuns, family: Family, allow_import: Sequence[str] = ()) -> Figure:
    """Draw the weights that the agent's first run generates for the tasks of all splits.

    Args:
        agent: whose first run is loaded, with the checkpoint that its final evaluation played.
        family: the tasks' family.
        allow_import: modules and Python files that the run's base environment may be imported from.

    Raises:
        UserError: the run has no such checkpoint, or imports what is not trusted; or an agent that generates
            no weights, or whose weights follow what it observes.
    """
    first = agent.runs[0]
    run = Run.open(first.run.path, allow_import)
    if first.checkpoint not in run.checkpoints():
        raise UserError(f"run {str(run.path)!r}: no checkpoint {first.checkpoint!r}")
    with collection_paused():
        import torch

        from hyperrl.evaluation.agent import Agent
        from hyperrl.training import load_model
    with torch.random.fork_rng():
        own = family.for_agent(run.spec.agent)
        loaded = Agent(run, own, load_model(run, first.checkpoint, "cpu", own), first.checkpoint)
        tasks = first.results[:: -(-len(first.results) // _MOST_TASKS)]
        rows = np.array(
            [
                np.concatenate([part.ravel() for part in loaded.weights(task.context).values()])
                for task in tasks
            ],
            dtype=np.float64,
        )
    projection = principal_components(rows)
    return weight_map(
        projection,
        [task.context for task in tasks],
        [task.split for task in tasks],
        family,
        agent=agent.label,
    )
