"""What a study found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hyperrl.experiments.tuning.plan import Plan
from hyperrl.experiments.tuning.space import overrides, own_values
from hyperrl.experiments.tuning.study import TrialRecord
from hyperrl.experiments.tuning.tuned import best_first, best_of


@dataclass(frozen=True)
class TuningReport:
    """What there is of a study.

    Attributes:
        plan: what it tries.
        storage: where it is kept, without a password.
        trials: all trials, by their numbers.
        importances: by field, its share in how good a trial is; empty while there are few trials.
        tuned: the file of the recipe that was found; None while no trial has finished.
    """

    plan: Plan
    storage: str
    trials: tuple[TrialRecord, ...]
    importances: Mapping[str, float]
    tuned: Path | None

    @property
    def best(self) -> TrialRecord | None:
        """The trial with the highest validation return; None while none has finished."""
        return best_of(self.trials)

    @property
    def best_first(self) -> list[TrialRecord]:
        """The finished trials, from the highest validation return to the lowest."""
        return best_first(self.trials)

    def values(self, trial: TrialRecord) -> dict[str, str]:
        """The value of each field in a trial, as `--set` takes it; the recipe as it is has its own values."""
        space = self.plan.space
        given = overrides(space, own_values(space)) if trial.own else trial.overrides
        return {name: value for name, _, value in (each.partition("=") for each in given)}

    def count(self, state: str) -> int:
        """Number of trials in a state."""
        return sum(trial.state == state for trial in self.trials)

    def to_json(self) -> dict[str, Any]:
        """The object of `hyperrl tune --json`."""
        best = self.best
        return {
            "agent": self.plan.agent.name,
            "family": self.plan.family.name,
            "out": str(self.plan.out),
            "storage": self.storage,
            "steps": self.plan.base.steps,
            "seeds": self.plan.seeds,
            "trials": [trial.to_json() for trial in self.trials],
            "best": None if best is None else best.to_json(),
            "importances": dict(self.importances),
            "tuned": None if self.tuned is None else str(self.tuned),
        }
