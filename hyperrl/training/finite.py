"""Ending a training whose numbers are no longer finite, before they reach a checkpoint."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
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

    It looks once per rollout and once per update, and comes before whatever evaluates or stores weights.

    Args:
        run: named in the message.
    """

    def __init__(self, run: Run) -> None:
        super().__init__()
        self._run = run

    def _on_rollout_start(self) -> None:
        self._check_weights()

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        self._check_rollout()

    def _on_training_end(self) -> None:
        self._check_weights()

    @contextmanager
    def explaining_errors(self) -> Iterator[None]:
        """Raise DivergenceError where torch's distributions complain, and keep NumPy from warning."""
        try:
            with np.errstate(all="ignore"):
                yield
        except ValueError:
            self._check_weights()
            self._check_rollout()
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
