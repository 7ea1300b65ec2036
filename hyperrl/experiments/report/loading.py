"""Loads the agent of a report's first run, for what its evaluation does not hold: weights and pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hyperrl.errors import UserError
from hyperrl.experiments.collect import EvaluatedRun
from hyperrl.experiments.scores import AgentRuns
from hyperrl.garbage import collection_paused
from hyperrl.store import Run
from hyperrl.tasks import Family

if TYPE_CHECKING:
    from hyperrl.evaluation.agent import Agent


def load_first(agent: AgentRuns[EvaluatedRun], allow_import: Sequence[str] = ()) -> Agent:
    """The agent of the first run, with the checkpoint that its final evaluation played.

    Args:
        agent: the runs.
        allow_import: modules and Python files that the run's base environment may be imported from.

    Raises:
        UserError: the run has no such checkpoint, or imports what is not trusted.
    """
    first = agent.runs[0]
    run = Run.open(first.run.path, allow_import)
    if first.checkpoint not in run.checkpoints():
        raise UserError(f"run {str(run.path)!r}: no checkpoint {first.checkpoint!r}")
    if run.spec.family.base.startswith("hyperrl-custom/"):
        raise UserError(f"run {str(run.path)!r}: its family was made in Python")
    with collection_paused():
        import torch

        from hyperrl.evaluation.agent import Agent
        from hyperrl.training import load_model
    own = Family(run.spec.family).for_agent(run.spec.agent)  # Its base as it is found here.
    with torch.random.fork_rng():
        return Agent(run, own, load_model(run, first.checkpoint, "cpu", own), first.checkpoint)
