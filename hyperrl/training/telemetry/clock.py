"""Where an iteration's time goes."""

from __future__ import annotations

import time

from hyperrl.policies.registry import view
from hyperrl.training.rollout_callback import RolloutCallback


class Clock(RolloutCallback):
    """Writes `time/rollout`, `time/update`, `time/generation`: seconds per iteration, mean since last log.

    Rollout: collecting experience. Update: from the last callback at a rollout's end to the next rollout's
    start (a written log lies in it). Generation: forward passes that generate weights, in both; only where
    the policy counts them. Evaluations, figures and checkpoints lie outside all three.

    The clock is the first callback of the list; its `last` is the last one. What the callbacks between them
    do at a rollout's start and end is in none of the three.
    """

    def __init__(self) -> None:
        super().__init__()
        self.last = _AfterOthers(self)
        self._rollout_began = 0.0
        self._generated = 0.0
        self._update_began: float | None = None

    def rollout_begins(self) -> None:
        """The other callbacks have acted at a rollout's start."""
        self._rollout_began = time.perf_counter()

    def others_done(self, in_training: bool) -> None:
        """The other callbacks have acted, before the first rollout or (`in_training`) after one."""
        self._update_began = time.perf_counter() if in_training else None
        self._generated = view(self.model).generation_seconds or 0.0

    def _on_rollout_start(self) -> None:
        if self._update_began is not None:
            self.logger.record_mean("time/update", time.perf_counter() - self._update_began)

    def _on_rollout_end(self) -> None:
        self.logger.record_mean("time/rollout", time.perf_counter() - self._rollout_began)
        generation = view(self.model).generation_seconds
        if generation is not None:
            self.logger.record_mean("time/generation", generation - self._generated)


class _AfterOthers(RolloutCallback):
    def __init__(self, clock: Clock):
        super().__init__()
        self._clock = clock

    def _on_training_start(self) -> None:
        self._clock.others_done(in_training=False)

    def _on_rollout_start(self) -> None:
        self._clock.rollout_begins()

    def _on_rollout_end(self) -> None:
        self._clock.others_done(in_training=True)
