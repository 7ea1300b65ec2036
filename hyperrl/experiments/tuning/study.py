"""A study of Optuna's: which trials there are, what the next one tries, and what each of them reached."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Literal

from optuna import create_study
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
from optuna.pruners import BasePruner, HyperbandPruner, MedianPruner, NopPruner
from optuna.samplers import TPESampler
from optuna.storages import BaseStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, Trial, TrialState, create_trial

from hyperrl.errors import UserError, user_syntax
from hyperrl.experiments.tuning import PrunerName
from hyperrl.experiments.tuning.plan import Plan
from hyperrl.experiments.tuning.space import distributions, overrides, own_values

_HOME, _OWN, _ERROR, _MISTAKE, _IDENTITY = "home", "own", "error", "mistake", "hyperrl"
"""User attributes: of a trial who makes it, whether it is the recipe as it is, why it failed and by whose
mistake; of the study what may not change."""
_STARTUP_TRIALS = 4
"""Finished trials before the median stops any."""
_FOR_IMPORTANCES = 8
"""Finished trials before importances mean something."""


@dataclass(frozen=True)
class TrialRecord:
    """A trial as it is stored.

    Attributes:
        number: of the trial, from 0.
        state: how it ended, or that it runs.
        value: validation return, mean over seeds; of a pruned trial as far as it came.
        own: whether it is the recipe as it is.
        overrides: what it changes in the recipe.
        error: why it failed, in one line.
        mistake: whether it failed by a mistake of the user's.
    """

    number: int
    state: Literal["finished", "pruned", "failed", "running"]
    value: float | None
    own: bool
    overrides: tuple[str, ...]
    error: str | None
    mistake: bool

    def to_json(self) -> dict[str, Any]:
        """As an entry of `hyperrl tune --json`."""
        return {
            "trial": self.number,
            "state": self.state,
            "validation": self.value,
            "own": self.own,
            "overrides": list(self.overrides),
            "error": self.error,
        }


class OpenTrial:
    """A trial that this process makes.

    Attributes:
        number: of the trial, from 0.
        overrides: what it changes in the recipe.
        bests: validation returns of its runs that have ended, by seed.
    """

    def __init__(self, study: TuningStudy, trial: Trial) -> None:
        self._study, self._trial = study, trial
        self.number = trial.number
        own = trial.user_attrs.get(_OWN, False)
        for name, distribution in study.distributions.items():
            trial._suggest(name, distribution)
        self.overrides = () if own else overrides(study.plan.space, trial.params)
        self.bests: list[float] = []

    def report(self, best: float, evaluation: int) -> bool:
        """Note the best validation return of a run so far; returns whether the trial is worth going on with.

        Args:
            best: of the run of the next seed, whose earlier ones have ended.
            evaluation: the evaluation after which it is, from 1.
        """
        step = len(self.bests) * self._study.plan.evaluations + evaluation
        done = self._study.reports(self.number)
        if step not in done and math.isfinite(best):
            self._trial.report(fmean([*self.bests, best]), step)
        return self.is_promising

    @property
    def is_promising(self) -> bool:
        """Whether it is not so far behind others that it is better stopped; the recipe as it is never is."""
        return not self.overrides or not self._trial.should_prune()

    def finish(self) -> None:
        """Note the mean of its runs' validation returns as the trial's."""
        self._study.tell(self, fmean(self.bests), TrialState.COMPLETE)

    def prune(self) -> None:
        """Note that it was stopped early."""
        self._study.tell(self, None, TrialState.PRUNED)

    def fail(self, message: str, mistake: bool) -> None:
        """Note that one of its runs failed, and why."""
        self._trial.set_user_attr(_ERROR, message)
        self._trial.set_user_attr(_MISTAKE, mistake)
        self._study.tell(self, None, TrialState.FAIL)


class TuningStudy:
    """The study of a plan in a storage.

    Each trial is drawn by a sampler of its own, which is seeded with the number of trials there are. So a
    study that is resumed neither repeats what it drew at random nor differs from one that never stopped.

    Args:
        plan: what it tries.
        storage: where it is kept.
        pruner: what stops runs early.
        home: names this process's machine and folder; trials that run elsewhere are not touched.

    Attributes:
        distributions: of each field that is searched.

    Raises:
        UserError: the storage has a study of that name for something else.
    """

    def __init__(self, plan: Plan, storage: BaseStorage, pruner: PrunerName, home: str) -> None:
        self.plan, self._home = plan, home
        self.distributions = distributions(plan.space)
        self._study = create_study(
            storage=storage, study_name=plan.name, direction=StudyDirection.MAXIMIZE, load_if_exists=True,
            pruner=_pruner(pruner, plan),
        )  # fmt: skip
        known = self._study.user_attrs.get(_IDENTITY)
        is_new = known is None and not self._study.get_trials(deepcopy=False)
        if is_new and self._study.direction == StudyDirection.MAXIMIZE:
            self._study.set_user_attr(_IDENTITY, plan.identity)
        elif not isinstance(known, dict):
            another = user_syntax("out", "--out")
            raise UserError(
                f"study {plan.name!r}: is one that hyperrl did not begin; begin another with {another}"
            )
        elif known != plan.identity:
            raise UserError(_difference(plan, known))

    @property
    def size(self) -> int:
        """Number of trials, those that run included."""
        return len(self.records())

    def records(self) -> list[TrialRecord]:
        """All trials, in the order of their numbers."""
        trials = self._study.get_trials(deepcopy=False)
        return [self._record(trial) for trial in trials if trial.state != TrialState.WAITING]

    def interrupted(self) -> list[OpenTrial]:
        """The trials that an earlier process of this machine and folder did not end."""
        running = self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        return [
            OpenTrial(self, Trial(self._study, trial._trial_id))
            for trial in running
            if trial.user_attrs.get(_HOME) == self._home
        ]

    def ask(self) -> OpenTrial:
        """A new trial: the recipe as it is where there is none yet, else what the sampler proposes."""
        trials = self._study.get_trials(deepcopy=False)
        self._study.sampler = TPESampler(seed=len(trials))
        own = {} if trials else {"fixed_params": own_values(self.plan.space)}
        # One entry of the storage: whenever the process is killed, the trial is nobody's or this one's.
        self._study.add_trial(
            create_trial(
                state=TrialState.RUNNING, system_attrs=own, user_attrs={_HOME: self._home, _OWN: bool(own)}
            )
        )
        running = self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        newest = max(
            (trial for trial in running if trial.user_attrs.get(_HOME) == self._home),
            key=lambda trial: trial.number,
        )
        return OpenTrial(self, Trial(self._study, newest._trial_id))

    def reports(self, number: int) -> dict[int, float]:
        """What a trial has reported, by step: the mean of its runs' best validation returns so far."""
        return self._study.get_trials(deepcopy=False)[number].intermediate_values

    def tell(self, trial: OpenTrial, value: float | None, state: TrialState) -> None:
        """Note how a trial ended."""
        self._study.tell(trial.number, value, state)

    def importances(self) -> dict[str, float]:
        """By field, its share in how good a trial is; empty while there are too few finished trials.

        They are those of PED-ANOVA (Watanabe et al., IJCAI 2023).
        """
        finished = self._study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        if len(finished) < _FOR_IMPORTANCES or len({trial.value for trial in finished}) < 2:
            return {}
        return get_param_importances(self._study, evaluator=PedAnovaImportanceEvaluator())

    def _record(self, trial: FrozenTrial) -> TrialRecord:
        states: dict[TrialState, Literal["finished", "pruned", "failed", "running"]] = {
            TrialState.COMPLETE: "finished",
            TrialState.PRUNED: "pruned",
            TrialState.FAIL: "failed",
            TrialState.RUNNING: "running",
        }
        own = trial.user_attrs.get(_OWN, False)
        searched = () if own else [each for each in self.plan.space if each.name in trial.params]
        return TrialRecord(
            number=trial.number, state=states[trial.state], value=trial.value, own=own,
            overrides=overrides(searched, trial.params), error=trial.user_attrs.get(_ERROR),
            mistake=trial.user_attrs.get(_MISTAKE, False),
        )  # fmt: skip


def _pruner(name: PrunerName, plan: Plan) -> BasePruner:
    whole = plan.evaluations * plan.seeds
    if name == "median":
        return MedianPruner(_STARTUP_TRIALS, n_warmup_steps=plan.evaluations // 4)
    if name == "hyperband":
        return HyperbandPruner(min_resource=1, max_resource=whole, reduction_factor=3)
    return NopPruner()


def _difference(plan: Plan, known: dict[str, Any]) -> str:
    """The first thing in which a study and a plan differ, and what to do."""
    what, now = next((what, now) for what, now in plan.identity.items() if known.get(what) != now)
    before = known.get(what)
    begun = f"{before:,} {what}, found {now:,}" if isinstance(before, int) else f"another {what}"
    out, storage = user_syntax("out", "--out"), user_syntax("storage", "--storage")
    return (
        f"study {plan.name!r}: was begun with {begun}; go on as it was begun, or begin another with {out}"
        f" (and {storage} where you gave one)"
    )
