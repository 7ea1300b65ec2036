"""Measures how long rollouts, updates and the generation of weights take."""

from __future__ import annotations

import time

from hyperrl.training.rollout_callback import RolloutCallback


class Clock(RolloutCallback):
    """Writes `time/rollout`, `time/update`, `time/generation`: seconds per iteration, mean since last log.

    Rollout: collecting experience. Update: from the last callback at a rollout's end to the next rollout's
    start, a written log included. Generation: forward passes that generate weights, in both; only where
    weights are generated. Evaluations, figures and checkpoints count in none of the three.

    The clock is the first callback of the list, its `last` the last one. The work of the callbacks between
    them at a rollout's start and end is not counted.
    """

    def __init__(self) -> None:
        super().__init__()
        self.last = _AfterOthers(self)
        self._rollout_began = 0.0
        self._generated = 0.0
        self._update_began: float | None = None

    def rollout_begins(self) -> None:
        """Start the rollout's time, as the other callbacks have acted at its start."""
        self._rollout_began = time.perf_counter()

    def others_done(self, in_training: bool) -> None:
        """Start the update's time, or, before the first rollout, none."""
        self._update_began = time.perf_counter() if in_training else None
        self._generated = self._view.generation_seconds or 0.0

    def _on_rollout_start(self) -> None:
        if self._update_began is not None:
            self.logger.record_mean("time/update", time.perf_counter() - self._update_began)

    def _on_rollout_end(self) -> None:
        self.logger.record_mean("time/rollout", time.perf_counter() - self._rollout_began)
        generation = self._view.generation_seconds
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
