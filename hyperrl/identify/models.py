"""What predicts transitions under contexts: the family's own dynamics, or the run's forward model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from hyperrl.identify.dynamics_model import DynamicsModel, batched_dynamics
from hyperrl.identify.likelihood import Predictor
from hyperrl.identify.transitions import Transitions
from hyperrl.store import Run
from hyperrl.tasks import Family


@dataclass(frozen=True)
class IdentificationModel:
    """What identifies tasks.

    Attributes:
        name: `dynamics` or `learned`.
        predictor: makes the predictor of recorded transitions.
        power: of the likelihood, see `hyperrl.identify.likelihood.Likelihood`.
    """

    name: str
    predictor: Callable[[Transitions], Predictor]
    power: float = 1.0


def choose_model(run: Run, base: Family, name: str | None) -> IdentificationModel:
    """The model of that name.

    Args:
        run: holds the forward model.
        base: the family, without an agent's wrappers and stacked frames.
        name: `dynamics` or `learned`; None: the former where the family has batched dynamics.

    Raises:
        UserError: a family without batched dynamics, or a run without a forward model, or a damaged one.
    """
    if name == "dynamics" or (name is None and base.dynamics() is not None):
        batched_dynamics(base)
        return IdentificationModel("dynamics", partial(DynamicsModel, base))
    from hyperrl.identify.forward_model import learned_model

    return IdentificationModel("learned", *learned_model(run, base))
