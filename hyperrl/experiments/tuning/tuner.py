"""Makes the runs of a study's trials, many at a time, and stops those that are far behind."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

from hyperrl.errors import UserError
from hyperrl.evaluation.progress import ForwardingReporter, Reporter
from hyperrl.experiments.engines.base import Engine, Monitor, Outcome
from hyperrl.experiments.jobs import Job
from hyperrl.experiments.results import read_result
from hyperrl.experiments.tuning.plan import Plan
from hyperrl.experiments.tuning.study import OpenTrial, TuningStudy

_POLL = 1.0
"""Seconds between two looks at runs that a killed process's runs still write to."""


class Follower(ForwardingReporter):
    """Reports the validation returns of a trial's run to its study.

    Attributes:
        stop: whether the run is to end at its next safe point.
    """

    def __init__(self, reporter: Reporter, plan: Plan, trial: OpenTrial) -> None:
        super().__init__(reporter)
        self._plan, self._trial = plan, trial
        self.stop = False

    def validated(self, best: float, steps: int) -> None:
        """Report the best validation return so far; the untrained agent's says nothing of a trial."""
        evaluation = self._plan.evaluation(steps)
        if evaluation and not self.stop:
            self.stop = not self._trial.report(best, evaluation) and not self._is_last(evaluation)

    def _is_last(self, evaluation: int) -> bool:
        """Whether nothing is left to stop."""
        ended = len(self._trial.bests) + 1
        return ended == self._plan.seeds and evaluation == self._plan.evaluations


class _Followers:
    """A monitor that follows the runs of trials, and hands on to another monitor."""

    def __init__(self, monitor: Monitor, plan: Plan, trials: Mapping[Path, OpenTrial]) -> None:
        self._monitor, self._plan, self._trials = monitor, plan, trials
        self._stopped: dict[Path, Follower] = {}

    def planned(self, runs: int, finished: int) -> None:
        self._monitor.planned(runs, finished)

    def started(self, job: Job) -> Reporter:
        follower = Follower(self._monitor.started(job), self._plan, self._trials[job.folder])
        self._stopped[job.folder] = follower
        return follower

    def ended(self, job: Job, outcome: Outcome) -> None:
        self._monitor.ended(job, outcome)

    def waiting(self, jobs: int) -> None:
        self._monitor.waiting(jobs)

    def stopping(self, jobs: int) -> None:
        self._monitor.stopping(jobs)

    def has_stopped(self, job: Job) -> bool:
        """Whether a run was to end because its trial is behind."""
        return self._stopped[job.folder].stop


class Tuner:
    """Makes the trials of a study: the runs of a trial one after the other, trials side by side.

    The first run of a trial shows whether it is worth the others.

    Args:
        plan: what is tried.
        study: its study.
        trials: how many trials there are to be in all.
        monitor: follows the runs.
        timeout: seconds after which no trial begins.
    """

    def __init__(
        self, plan: Plan, study: TuningStudy, trials: int, monitor: Monitor, timeout: float | None = None
    ) -> None:
        self._plan, self._study, self._trials = plan, study, trials
        self._last_start = math.inf if timeout is None else time.monotonic() + timeout
        self._ready: deque[OpenTrial] = deque()
        self._running: dict[Path, OpenTrial] = {}
        self._monitor = _Followers(monitor, plan, self._running)

    def run(self, engine: Engine) -> None:
        """Make trials until there are enough, or time is up; trials that were interrupted come first.

        Args:
            engine: makes their runs.

        Raises:
            KeyboardInterrupt: a signal came, or a run was stopped from outside; all runs were stopped, with
                checkpoints, and their trials go on when the study does.
        """
        for trial in self._study.interrupted():
            self._go_on(trial) if trial.is_promising else trial.prune()
        self._tell_numbers()
        while self._ready or self._begins_another:
            with closing(engine.run(self._jobs(), self._monitor)) as outcomes:
                for job, outcome in outcomes:
                    self._note(job, outcome)
                    self._tell_numbers()
            if self._ready and all(self._job(trial).is_claimed for trial in self._ready):
                self._monitor.waiting(len(self._ready))
                time.sleep(_POLL)

    @property
    def _begins_another(self) -> bool:
        return self._study.size < self._trials and time.monotonic() < self._last_start

    def _jobs(self) -> Iterator[Job]:
        """The next run of each trial that is ready for it, then those of new trials."""
        claimed = []
        while self._ready or self._begins_another:
            trial = self._ready.popleft() if self._ready else self._study.ask()
            try:
                job = self._job(trial)
            except UserError as error:
                trial.fail(str(error), mistake=True)
                self._tell_numbers()
                continue
            if read_result(job) is not None:  # the process was killed before it noted that
                self._finish(trial, job)
            elif job.is_claimed:  # by a run whose parent was killed, and which is about to stop
                claimed.append(trial)
            else:
                self._running[job.folder] = trial
                yield job
        self._ready.extend(claimed)

    def _job(self, trial: OpenTrial) -> Job:
        """The next run of a trial."""
        return self._plan.job(trial.number, trial.overrides, seed=len(trial.bests))

    def _go_on(self, trial: OpenTrial) -> None:
        self._ready.append(trial)

    def _note(self, job: Job, outcome: Outcome) -> None:
        """Note how a run ended."""
        trial = self._running.pop(job.folder)
        match outcome.state:
            case "finished":
                self._monitor.ended(job, outcome)
                self._finish(trial, job)
            case "failed":
                self._monitor.ended(job, outcome)
                trial.fail(outcome.message, outcome.mistake)
            case "busy":
                self._go_on(trial)
            case "interrupted" if self._monitor.has_stopped(job):
                self._monitor.ended(job, Outcome("finished"))
                trial.prune()
            case "interrupted":
                raise KeyboardInterrupt

    def _finish(self, trial: OpenTrial, job: Job) -> None:
        """Note the validation return of a run that has a result."""
        result = read_result(job)
        best = None if result is None else result["checkpoint"]["validation"]
        if best is None or not math.isfinite(best):
            trial.fail("found no finite validation return", mistake=False)
            return
        promising = trial.report(best, self._plan.evaluations)
        trial.bests.append(best)
        if len(trial.bests) == self._plan.seeds:
            trial.finish()
        elif promising:
            self._go_on(trial)
        else:
            trial.prune()

    def _tell_numbers(self) -> None:
        """Tell the monitor how many runs there are, and how many ended or will not be made."""
        ended = sum(record.state != "running" for record in self._study.records())
        runs = sum(len(trial.bests) for trial in (*self._ready, *self._running.values()))
        seeds = self._plan.seeds
        self._monitor.planned(max(self._trials, self._study.size) * seeds, ended * seeds + runs)
