"""Ending a training whose numbers are no longer finite, before they reach a checkpoint."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

from hyperrl.errors import DivergenceError
from hyperrl.store import Run


class Finite(BaseCallback):
    """Raises DivergenceError at weights that an update left not finite, and at such numbers in a rollout.

    It looks once per rollout and once per update, and comes before whatever evaluates or stores weights. Of
    an off-policy algorithm, whose rollouts are single steps, it looks at weights before and after the updates
    that follow upon a moment of `every`.

    Args:
        run: named in the message.
        every: environment steps between evaluations, between checkpoints and so on.
    """

    def __init__(self, run: Run, every: Sequence[int] = (1,)) -> None:
        super().__init__()
        self._run, self._every = run, every
        self._seen, self._due = 0, True

    def _on_training_start(self) -> None:
        self._seen = self.model.num_timesteps

    def _on_rollout_start(self) -> None:
        if self._due or self._on_policy:
            self._check_weights()
        self._due = False

    def _on_step(self) -> bool:
        if not self._on_policy:
            self._check_transition()
        return True

    def _on_rollout_end(self) -> None:
        if self._on_policy:
            self._check_rollout()
            return
        steps = self.model.num_timesteps
        self._due = any(steps // every > self._seen // every for every in self._every)
        self._seen = steps
        if self._due:
            self._check_weights()

    def _on_training_end(self) -> None:
        self._check_weights()

    @property
    def _on_policy(self) -> bool:
        return isinstance(self.model, OnPolicyAlgorithm)

    @contextmanager
    def explaining_errors(self) -> Iterator[None]:
        """Raise DivergenceError where torch's distributions complain, and keep NumPy from warning."""
        try:
            with np.errstate(all="ignore"):
                yield
        except (ValueError, RuntimeError):
            self._check_weights()
            if self._on_policy:
                self._check_rollout()
            elif "rewards" in self.locals:
                self._check_transition()
            raise

    def _check_weights(self) -> None:
        largest = torch._foreach_norm(list(self.model.policy.parameters()), ord=math.inf)
        if not bool(torch.stack(largest).isfinite().all()):
            self._end("weights", "a smaller algorithm.learning_rate may help; ")

    def _check_rollout(self) -> None:
        assert isinstance(self.model, OnPolicyAlgorithm)
        buffer = self.model.rollout_buffer
        since = {
            what: _since(getattr(buffer, what)) for what in ("observations", "actions", "rewards", "values")
        }
        what = min(since, key=since.__getitem__)  # what came first, as the rest follows from it
        if since[what] < math.inf:
            self._end(what)
        if _since(self.model._last_obs) < math.inf:
            self._end("observations")

    def _check_transition(self) -> None:
        """The latest transition of each environment."""
        for what, name in (("observations", "new_obs"), ("actions", "actions"), ("rewards", "rewards")):
            if _since(self.locals[name]) < math.inf:
                self._end(what)

    def _end(self, what: str, advice: str = "") -> None:
        raise DivergenceError(
            f"run {str(self._run.path)!r}: {what} are not finite after {self.model.num_timesteps} steps of"
            f" training; {advice}the checkpoint of {self._run.status.steps} steps is kept"
        )


def _since(found: Any) -> float:
    """The first row that holds a number which is not finite; infinity where none does."""
    if isinstance(found, Mapping):
        # what the networks are not told of the context is NaN; contexts were finite before
        return min((_since(part) for key, part in found.items() if key != "context"), default=math.inf)
    if found.dtype.kind != "f" or np.isfinite(found).all():
        return math.inf
    return int(np.argmin(np.isfinite(found).reshape(len(found), -1).all(axis=1)))
