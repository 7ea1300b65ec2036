"""Specialists as an upper bound: how much of the return of a policy for one task an agent reaches there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hyperrl.errors import UserError
from hyperrl.evaluation.comparison import Estimate, estimate
from hyperrl.evaluation.seeds import MAY_DIFFER
from hyperrl.recipes import Context, FamilyRecipe
from hyperrl.store import RunSpec
from hyperrl.tasks import Family
from hyperrl.tasks.splits import task_alone

TaskValues = tuple[tuple[str, float], ...]
"""A task as the names and the values of its features."""


@dataclass(frozen=True)
class SpecialistShare:
    """An agent beside specialists, on those tasks of a split that have one.

    Attributes:
        tasks: how many have one.
        specialist: mean return of the specialists.
        mean: mean return of the agent on these tasks, over runs x tasks.
    """

    tasks: int
    specialist: float
    mean: Estimate

    @property
    def share(self) -> Estimate | None:
        """The agent's mean as a part of the specialists'; None where theirs is not above 0."""
        if self.specialist <= 0:
            return None
        value, low, high = self.mean
        if low is None or high is None:
            return Estimate(value / self.specialist)
        return Estimate(value / self.specialist, low / self.specialist, high / self.specialist)

    def to_json(self) -> dict[str, Any]:
        """Its entry in `hyperrl bench --json` and `hyperrl compare --json`."""
        share = None if self.share is None else self.share._asdict()
        return {**vars(self), "mean": self.mean._asdict(), "share": share}


def share_of_specialists(scores: NDArray[np.float64], best: Sequence[float | None]) -> SpecialistShare | None:
    """An agent beside specialists; None where no task has one.

    Args:
        scores: mean return of each task (runs, tasks).
        best: of each task the mean return of its specialist, None where it has none.
    """
    places = [place for place, value in enumerate(best) if value is not None]
    if not places:
        return None
    known = [value for value in best if value is not None]
    return SpecialistShare(len(places), float(np.mean(known)), estimate(scores[:, places], np.mean))


def specialist_task(spec: RunSpec, family: FamilyRecipe) -> Context | None:
    """The task of a family that a run is the specialist of; None where it is none of that family's.

    A specialist never sees the context, and its family is `family` cut down to the task.

    Args:
        spec: of the run.
        family: of other runs.
    """
    listed = task_alone(spec.family) if spec.agent.policy.kind == "blind" else None
    if listed is None:
        return None
    task = Context.of(family.features, listed.raw)
    try:
        alone = Family(family).on_tasks([task]).recipe
    except UserError:  # It is no task of this family.
        return None
    return task if _content(alone) == _content(spec.family) else None


def _content(family: FamilyRecipe) -> Mapping[str, Any]:
    return family.model_dump(exclude=MAY_DIFFER)
