"""Ending a training whose numbers are no longer finite, before they reach a checkpoint."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from hyperrl.errors import DivergenceError, user_syntax
from hyperrl.recipes import CONTEXT
from hyperrl.store import Run
from hyperrl.tasks import Family
from hyperrl.tasks.contexts import assignment
from hyperrl.training.rollout_callback import RolloutCallback


class DivergenceGuard(RolloutCallback):
    """Raises DivergenceError at weights, losses and transitions that are not finite; says when, where first.

    It checks once per rollout and once per update, and comes before the callbacks that evaluate or store
    weights. Off policy, where rollouts are single steps, it checks transitions at each step, and weights
    before and after the updates that follow when a multiple of `every` is passed. To detect anomalies it
    checks all of them at each step, and every parameter's gradient within `backward`, which is slower.

    Args:
        run: named in the message.
        family: its tasks are named.
        every: environment steps between evaluations, between checkpoints and so on.
        detect_anomaly: check everything.
    """

    def __init__(
        self, run: Run, family: Family, every: Sequence[int] = (1,), detect_anomaly: bool = False
    ) -> None:
        super().__init__()
        self._run, self._family, self._every, self._detecting = run, family, every, detect_anomaly
        self._due = True

    def _on_training_start(self) -> None:
        if self._detecting:  # the hooks live as long as the session's model
            for name, parameter in self.model.policy.named_parameters():
                if parameter.requires_grad:
                    check = partial(self._check_gradient, name)
                    parameter.register_hook(check)  # type: ignore[no-untyped-call]

    def _on_rollout_start(self) -> None:
        if self._due or self._detecting or not self._view.off_policy:
            self.check_update()
        self._due = False

    def _on_step(self) -> bool:
        if self._detecting or self._view.off_policy:
            self._check_transition()
        return True

    def _on_rollout_end(self) -> None:
        if not self._view.off_policy:
            self._check_rollout()
        elif self._crossed(*self._every):
            self._due = True
            self.check_update()

    def _on_training_end(self) -> None:
        self.check_update()

    @contextmanager
    def explain_errors(self) -> Iterator[None]:
        """Raise DivergenceError where torch's distributions raise, and silence NumPy's warnings."""
        try:
            with np.errstate(all="ignore"):
                yield
        except (ValueError, RuntimeError) as error:
            self._look_for_cause(error)
            raise

    def _look_for_cause(self, error: Exception) -> None:
        """Raise DivergenceError where numbers explain an error; what else fails here never hides it."""
        if not hasattr(self, "model"):  # the error came before the first rollout
            return
        try:
            self.check_update()
            if not self._view.off_policy:
                self._check_rollout()
            elif "rewards" in self.locals:
                self._check_transition()
        except DivergenceError as divergence:
            raise divergence from error
        except Exception:
            raise error from None

    def _check_gradient(self, name: str, gradient: torch.Tensor) -> None:
        if not bool(gradient.isfinite().all()):
            self._end("gradients", f", first in {name}")

    def check_update(self) -> None:
        """Raise DivergenceError where weights or losses, as the latest update left them, are not finite."""
        named = dict(self.model.policy.named_parameters())
        largest = torch._foreach_norm(list(named.values()), ord=math.inf)
        finite = torch.stack(largest).isfinite().tolist()
        if not all(finite):
            where = f"first in {list(named)[finite.index(False)]}" if any(finite) else "in all parameters"
            closer = user_syntax("detect_anomaly=True", "--detect-anomaly")
            advice = f"; a smaller algorithm.learning_rate may help, {closer} names the first gradient"
            self._end("weights", f", {where}{self._bad_losses()}{advice}")
        if losses := self._bad_losses():
            self._end("losses", losses)

    def _bad_losses(self) -> str:
        """The losses of the latest update that are not finite, as the tail of a message."""
        losses = [
            name
            for name, value in self.model.logger.name_to_value.items()
            if name.startswith("train/") and name.endswith("loss") and not np.isfinite(value)
        ]
        return f", of the losses {', '.join(losses)}" if losses else ""

    def _check_rollout(self) -> None:
        buffer = self.model.rollout_buffer  # type: ignore[attr-defined]
        names = ("observations", "actions", "rewards", "values")
        places = {name: _first(getattr(buffer, name)) for name in names}
        what = min(names, key=lambda name: places[name] or (math.inf, 0))  # others follow from the first
        if (place := places[what]) is not None:
            self._end(what, self._task(buffer.observations[CONTEXT][place]))
        if (place := _first(_row(self.model._last_obs))) is not None:
            self._end("observations", self._task(self.model._last_obs[CONTEXT][place[1]]))  # type: ignore[index]

    def _check_transition(self) -> None:
        """The latest transition of each environment."""
        before: Any = self.model._last_obs
        for what, name in (("observations", "new_obs"), ("actions", "actions"), ("rewards", "rewards")):
            if (place := _first(_row(self.locals[name]))) is not None:
                observations = self.locals["new_obs"] if what == "observations" else before
                self._end(what, self._task(observations[CONTEXT][place[1]]))
        for env in np.flatnonzero(self.locals["dones"]):
            last = self.locals["infos"][env].get("terminal_observation", {})
            if _first({name: part[None, None] for name, part in last.items()}) is not None:
                self._end("observations", self._task(before[CONTEXT][env]))

    def _task(self, descriptor: NDArray[np.float32]) -> str:
        """The training task of that descriptor, parts of which may be hidden, as the tail of a message.

        It is empty where agents infer contexts: what they observe does not tell the task.
        """
        if self._view.inference is not None:
            return ""
        tasks = self._family.tasks("train")
        known = self._family.space.descriptors(tasks)
        return f" in task {assignment(tasks[int(np.argmin(np.nansum((known - descriptor) ** 2, axis=1)))])}"

    def _end(self, what: str, where: str) -> None:
        raise DivergenceError(
            f"run {str(self._run.path)!r}: {what} are not finite after {self.model.num_timesteps} steps of"
            f" training{where}; {self._run.describe_latest()}"
        )


def _row(values: Any) -> Any:
    """Values of n environments, (n, ...), as one row (1, n, ...)."""
    return {key: part[None] for key, part in values.items()} if isinstance(values, Mapping) else values[None]


def _first(values: Any) -> tuple[int, int] | None:
    """The first (row, environment) of (rows, n, ...) that holds a number which is not finite, if any."""
    if isinstance(values, Mapping):
        # Features that are hidden from the networks are NaN in the context; contexts were finite before.
        places = [_first(part) for key, part in values.items() if key != CONTEXT]
        return min((place for place in places if place is not None), default=None)
    if values.dtype.kind != "f" or np.isfinite(values).all():
        return None
    bad = ~np.isfinite(values.reshape(*values.shape[:2], -1)).all(axis=2)
    row, env = np.unravel_index(int(np.argmax(bad)), bad.shape)
    return int(row), int(env)
