"""Opening a run with its family, and loading its agent."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hyperrl.errors import UserError
from hyperrl.evaluation.agent import Agent
from hyperrl.garbage import collection_paused
from hyperrl.store import Run
from hyperrl.tasks import Family


def open_run(run: str | Path | Run, allow_import: Sequence[str]) -> Run:
    """A run as it is, or the run in a directory."""
    return run if isinstance(run, Run) else Run.open(run, allow_import)


def family_of(run: Run, family: Family | None = None) -> Family:
    """The family that a run was trained on, with environments as its agent has them.

    Raises:
        UserError: `family` is another one, or is None where the run's was made in Python.
    """
    if family is None:
        if run.spec.family.base.startswith("hyperrl-custom/"):
            raise UserError(
                f"run {str(run.path)!r}: its family was made in Python; pass it again as family=..."
            )
        return Family(run.spec.family).for_agent(run.spec.agent)
    place = {"folder": None}  # which may have moved
    if family.recipe.model_copy(update=place) != run.spec.family.model_copy(update=place):
        raise UserError(
            f"run {str(run.path)!r}: was trained on another family than the {family.name!r} given"
        )
    return family.for_agent(run.spec.agent)


def base_family_of(run: Run, family: Family | None = None) -> Family:
    """A run's family as its base environment is, without the agent's wrappers and stacked frames.

    Raises:
        UserError: as `family_of`.
    """
    family_of(run, family)
    return Family(run.spec.family) if family is None else family


def load_agent(
    run: Run, family: Family, checkpoint: str | int | None, device: str = "cpu", *, to_learn: bool = False
) -> Agent:
    """The agent of a checkpoint, or of the run's best or latest one; `to_learn` adds its optimizers."""
    with collection_paused():
        from hyperrl.training import load_model

    name = run.default_checkpoint() if checkpoint is None else str(checkpoint)
    return Agent(run, family, load_model(run, name, device, family, to_learn=to_learn), name)
