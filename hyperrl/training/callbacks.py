"""Stable-Baselines3 callbacks of a training: progress, checkpoints, logs, and the best weights so far."""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import fmean

from stable_baselines3.common.base_class import BaseAlgorithm

from hyperrl.errors import UserError
from hyperrl.evaluation.progress import Progress, Reporter, Ticker, ValidationReporter
from hyperrl.store import Run
from hyperrl.tasks import TaskSampler
from hyperrl.training.checkpoint import (
    State,
    capture,
    learned,
    load_state,
    restore_logger,
    restore_rng,
    restoring,
    same_structure,
    save_state,
)
from hyperrl.training.interruption import Interruption
from hyperrl.training.normalization import TrainingEnv
from hyperrl.training.rollout_callback import RolloutCallback
from hyperrl.training.writers import flush


class ProgressHook(RolloutCallback):
    """Calls a progress hook at every rollout's start, about ten times a second within it, and at the end.

    A `Reporter` also gets the phase, `collecting` before an off-policy algorithm learns, and the mean return
    of the latest training episodes.

    Args:
        hook: called with the environment steps taken and planned.
        total: the steps planned.
    """

    def __init__(self, hook: Progress, total: int) -> None:
        super().__init__()
        self._hook, self._ticker, self._total = hook, Ticker(self._report), total

    def _report(self, done: int, total: int) -> None:
        done = min(done, total)  # the last rollout may go further
        if isinstance(self._hook, Reporter):
            collects = self.model.num_timesteps < self._view.learning_starts
            self._hook.phase("collecting" if collects else "training")
            if self.model.ep_info_buffer:
                self._hook.reached(fmean(episode["r"] for episode in self.model.ep_info_buffer))
        self._hook(done, total)

    def _on_rollout_start(self) -> None:
        self._ticker.call(self.model.num_timesteps, self._total)

    def _on_step(self) -> bool:
        self._ticker(self.model.num_timesteps, self._total)
        return True

    _on_training_end = _on_rollout_start


class Checkpoints(RolloutCallback):
    """Saves the checkpoint `latest` at the start, after every `every` steps and at the end.

    Where the run keeps numbered checkpoints, the newest few are saved by their steps, too.

    It acts at the start of a rollout, the one moment between an update and new experience. It must come after
    every callback that draws at random: their draws precede the moment at which the generators are stored,
    or, in a resumed run's first rollout, set. Where logs are written every `log_interval` rollouts, it waits
    for a multiple of them, which keeps a resumed run's logs in step. Logs of off-policy algorithms count
    steps (`Logs`) and need no waiting.

    Args:
        run: where checkpoints go.
        env: the environments in training.
        sampler: hands them their tasks.
        every: environment steps between two checkpoints, at least.
        log_interval: rollouts between two logs.
        resumed: the state that the run goes on from.
        interruption: says at each rollout's start whether the training is to end there, with a checkpoint.
        check: called before a checkpoint that no other callback expects; raises where weights are not finite.
        more: further entries of the state, by name.
    """

    def __init__(
        self, run: Run, env: TrainingEnv, sampler: TaskSampler, every: int, log_interval: int,
        resumed: State | None, interruption: Interruption, check: Callable[[], None],
        more: Callable[[], State] = dict,
    ) -> None:  # fmt: skip
        super().__init__()
        self._interruption, self._check, self._more = interruption, check, more
        self._run, self._env, self._sampler = run, env, sampler
        self._every, self._log_interval, self._resumed = every, log_interval, resumed
        self._saved = -1

    def _on_training_start(self) -> None:
        if self._resumed is not None:
            with restoring(self._run):
                restore_logger(self.model, self._resumed)
            self._saved = self.model.num_timesteps

    def _on_rollout_start(self) -> None:
        steps = self.model.num_timesteps
        if self._resumed is not None:
            with restoring(self._run):
                restore_rng(self.model, self._resumed)
            self._resumed = None
        elif self._saved < 0 or (self._logged and steps // self._every > self._saved // self._every):
            self._save(in_rollout=True)
        self._interruption.wait()
        if self._interruption.requested and self._logged:
            if self._saved != steps:
                self._check()
                self._save(in_rollout=True, numbered=False)
            self._interruption.done()

    def _on_training_end(self) -> None:
        if self._resumed is None:
            self._save(in_rollout=False)
        self._interruption.done()

    @property
    def _logged(self) -> bool:
        """Whether a checkpoint now falls together with a log."""
        rollouts = self.model.num_timesteps // self._view.rollout_steps
        return self._view.off_policy or rollouts % self._log_interval == 0

    def _save(self, *, in_rollout: bool, numbered: bool = True) -> None:
        state = capture(self.model, self._env, self._sampler, in_rollout=in_rollout) | self._more()
        flush(self.logger)
        steps, keep = state["steps"], self._run.spec.keep
        if keep and steps and numbered:
            save_state(self._run, str(steps), state)
        save_state(self._run, "latest", state)
        if keep:
            self._run.keep_checkpoints(keep)
        self._run.write_status("running", steps)
        self._saved = steps


class Logs(RolloutCallback):
    """Writes an off-policy algorithm's log whenever so many more environment steps are taken.

    Stable-Baselines3 would count episodes, many of which end at once here, in the midst of a collection.

    Args:
        every: environment steps between two logs.
    """

    def __init__(self, every: int) -> None:
        super().__init__()
        self._every = every

    def _on_rollout_end(self) -> None:
        if self._crossed(self._every):
            self.model.dump_logs()


class BestWeights:
    """Saves the weights with the highest validation return as the checkpoint `best`; on a tie the earlier.

    Args:
        run: where the checkpoint goes; of a resumed run, its best so far counts.
        model: its weights are saved.
        progress: told of the highest so far after each evaluation, where it is a `ValidationReporter`.
    """

    def __init__(self, run: Run, model: BaseAlgorithm, progress: Progress | None = None) -> None:
        self._run, self._model, self._progress = run, model, progress
        best = validation_return(run)
        self.validation = -math.inf if best is None else best

    def __call__(self, mean: float, steps: int) -> None:
        """Take note of the model's validation return (undiscounted, mean over tasks) after `steps`."""
        if mean > self.validation:
            self.validation = mean
            save_state(self._run, "best", {"steps": steps, "validation": mean, **learned(self._model)})
        if isinstance(self._progress, ValidationReporter):
            self._progress.validated(self.validation, steps)


def validation_return(run: Run) -> float | None:
    """The validation return by which a run's best weights were chosen; None while it has none.

    Raises:
        UserError: the checkpoint `best` is another one.
    """
    if "best" not in run.checkpoints():
        return None
    validation = load_state(run, "best").get("validation")
    if validation is None or not same_structure(validation, 0.0):
        raise UserError(f"run {str(run.path)!r}: checkpoint 'best' is not one of the best weights")
    return float(validation)
