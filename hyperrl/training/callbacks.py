"""SB3 callbacks of a training: progress, checkpoints, and the best weights so far."""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import fmean

from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback

from hyperrl.errors import UserError
from hyperrl.evaluation.progress import Progress, Reporter, Ticker
from hyperrl.policies.registry import view
from hyperrl.store import Run
from hyperrl.tasks import TaskSampler
from hyperrl.training.checkpoint import (
    RESTORE_ERRORS,
    State,
    capture,
    learned,
    load_state,
    mismatch_error,
    restore_logger,
    restore_rng,
    same_structure,
    save_state,
)
from hyperrl.training.interruption import Interruption
from hyperrl.training.rollout_callback import RolloutCallback
from hyperrl.training.vec_env import BatchedVecEnv
from hyperrl.training.writers import flush


class ProgressHook(BaseCallback):
    """Calls a hook at every rollout's start, about ten times a second within it, and at the end.

    A reporter is told the phase, `collecting` before an off-policy algorithm learns, and the mean return of
    the latest training episodes.
    """

    def __init__(self, hook: Progress, total: int) -> None:
        super().__init__()
        self._hook, self._tick, self._total = hook, Ticker(self._tell), total

    def _tell(self, done: int, total: int) -> None:
        if isinstance(self._hook, Reporter):
            collects = self.model.num_timesteps < view(self.model).learning_starts
            self._hook.phase("collecting" if collects else "training")
            if self.model.ep_info_buffer:
                self._hook.reached(fmean(episode["r"] for episode in self.model.ep_info_buffer))
        self._hook(done, total)

    def _on_rollout_start(self) -> None:
        self._tick.call(self._done, self._total)

    def _on_step(self) -> bool:
        self._tick(self._done, self._total)
        return True

    def _on_training_end(self) -> None:
        self._tick.call(self._done, self._total)

    @property
    def _done(self) -> int:
        return min(self.model.num_timesteps, self._total)


class Checkpoints(RolloutCallback):
    """Keeps `latest`: at the start, after every `every` steps, and at the end; the newest few by number too.

    It acts at the start of a rollout, the one moment between an update and new experience, and must come
    after every callback that draws at random: what these draw comes before the generators are stored, or, in
    a resumed run's first rollout, set. With logs written every `log_interval` rollouts it waits for a
    multiple of them, which keeps a resumed run's logs in step. Logs of off-policy algorithms count steps
    (`Logs`), and are so of themselves.

    Args:
        run: where checkpoints go.
        env: the environments in training.
        sampler: what hands them their tasks.
        every: environment steps between two checkpoints, at least.
        log_interval: rollouts between two logs.
        resumed: the state that the run goes on from.
        interruption: asked at each rollout's start whether the training is to end there, with a checkpoint.
        check: called before a checkpoint that no other callback expects; raises where the weights are not
            fit to be stored.
    """

    def __init__(
        self,
        run: Run,
        env: BatchedVecEnv,
        sampler: TaskSampler,
        every: int,
        log_interval: int,
        resumed: State | None,
        interruption: Interruption,
        check: Callable[[], None],
    ) -> None:
        super().__init__()
        self._interruption, self._check = interruption, check
        self._run, self._env, self._sampler = run, env, sampler
        self._every, self._log_interval, self._resumed = every, log_interval, resumed
        self._saved = -1

    def _on_training_start(self) -> None:
        if self._resumed is not None:
            try:
                restore_logger(self.model, self._resumed)
            except RESTORE_ERRORS as error:
                raise mismatch_error(self._run, error) from error
            self._saved = self.model.num_timesteps

    def _on_rollout_start(self) -> None:
        if self._resumed is not None:
            try:
                restore_rng(self.model, self._resumed)
            except RESTORE_ERRORS as error:
                raise mismatch_error(self._run, error) from error
            self._resumed = None
        elif self._due():
            self._save(in_rollout=True)
        self._interruption.wait()
        if self._interruption.requested and self._in_step(self.model.num_timesteps):
            self._end_early()

    def _end_early(self) -> None:
        if self._saved != self.model.num_timesteps:
            self._check()
            self._save(in_rollout=True, numbered=False)
        self._interruption.done()

    def _on_training_end(self) -> None:
        if self._resumed is None:
            self._save(in_rollout=False)
        self._interruption.done()

    def _due(self) -> bool:
        steps = self.model.num_timesteps
        crossed = steps // self._every > self._saved // self._every
        return self._saved < 0 or (crossed and self._in_step(steps))

    def _in_step(self, steps: int) -> bool:
        """Whether logs fall together with a checkpoint at so many steps."""
        asked = view(self.model)
        return asked.off_policy or steps // asked.rollout_steps % self._log_interval == 0

    def _save(self, *, in_rollout: bool, numbered: bool = True) -> None:
        state = capture(self.model, self._env, self._sampler, in_rollout=in_rollout)
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

    Stable-Baselines3 would count episodes, of which many end at once here, in the midst of a collection.

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
    """Keeps the weights with the highest validation return as the checkpoint `best`; on a tie the earlier.

    Args:
        run: where the checkpoint goes; of a resumed run, its best so far counts.
        model: whose weights they are.
    """

    def __init__(self, run: Run, model: BaseAlgorithm) -> None:
        self._run, self._model = run, model
        self.validation = -math.inf
        if "best" in run.checkpoints():
            validation = load_state(run, "best").get("validation")
            if validation is None or not same_structure(validation, 0.0):
                raise UserError(f"run {str(run.path)!r}: checkpoint 'best' is not one of the best weights")
            self.validation = float(validation)

    def __call__(self, mean: float, steps: int) -> None:
        """Take note of the model's validation return (undiscounted, mean over tasks) after `steps`."""
        if mean > self.validation:
            self.validation = mean
            save_state(self._run, "best", {"steps": steps, "validation": mean, **learned(self._model)})
