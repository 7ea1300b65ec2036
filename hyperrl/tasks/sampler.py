"""Which task comes next."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol

import numpy as np

from hyperrl.errors import UserError


class TaskSource(Protocol):
    """What an environment asks at every reset; `next` gives an index into `contexts`."""

    contexts: list[dict[str, float]]

    def next(self) -> int:
        """Index of the task that the asking environment plays next."""

    def update(self, task: int, episode_return: float) -> None:
        """Tell the return of a finished episode of `task`."""


class TaskSampler:
    """Hands tasks to all environments of a process; every finished episode's return comes back to it.

    Attributes:
        contexts: the tasks.
        mode: "uniform" draws each task independently; "round-robin" goes through them in order.
        finished: finished episodes per task.
        mean_return: their mean return per task, NaN where none has finished.
    """

    def __init__(
        self,
        contexts: Sequence[Mapping[str, float]],
        mode: Literal["uniform", "round-robin"] = "uniform",
        seed: int | None = None,
    ) -> None:
        """Take the tasks; raises UserError where there are none or the mode is unknown."""
        if not contexts:
            raise UserError("the task sampler has no tasks to draw from")
        if mode not in ("uniform", "round-robin"):
            raise UserError(f"sampler: found {mode!r}; 'uniform' and 'round-robin' are allowed")
        self.contexts = [dict(context) for context in contexts]
        self.mode = mode
        self._count = [0] * len(self.contexts)
        self._sum = [0.0] * len(self.contexts)
        self.reseed(seed)

    def reseed(self, seed: int | None) -> None:
        """Start the sequence of tasks anew from `seed`."""
        self._rng = np.random.default_rng(seed)
        self._position = 0

    def next(self) -> int:
        """Index of the next task."""
        if self.mode == "uniform":
            return int(self._rng.random() * len(self.contexts))
        task = self._position % len(self.contexts)
        self._position += 1
        return task

    def update(self, task: int, episode_return: float) -> None:
        """Count a finished episode of `task`; -1, a context of the caller's own, is ignored."""
        if 0 <= task < len(self.contexts):
            self._count[task] += 1
            self._sum[task] += episode_return

    @property
    def finished(self) -> list[int]:
        """Finished episodes per task."""
        return list(self._count)

    @property
    def mean_return(self) -> list[float]:
        """Mean return per task, NaN where no episode has finished."""
        return [
            float(total / count) if count else float("nan")
            for total, count in zip(self._sum, self._count, strict=True)
        ]

    def get_state(self) -> dict[str, Any]:
        """State as plain JSON data; `set_state` continues exactly there."""
        return {
            "tasks": len(self.contexts),
            "rng": self._rng.bit_generator.state,
            "position": self._position,
            "count": list(self._count),
            "sum": list(self._sum),
        }

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Restore what `get_state` gave; raises UserError if it belongs to another number of tasks."""
        if state["tasks"] != len(self.contexts):
            raise UserError(
                f"sampler state is of {state['tasks']} tasks; this family has {len(self.contexts)}"
            )
        self._rng.bit_generator.state = state["rng"]
        self._position = int(state["position"])
        self._count = [int(count) for count in state["count"]]
        self._sum = [float(total) for total in state["sum"]]


class FixedTask:
    """Always the same task of a list: for evaluation, where environment i plays contexts[i]."""

    def __init__(self, contexts: list[dict[str, float]], task: int) -> None:
        """Take the list, which many environments may share, and the index into it."""
        self.contexts = contexts
        self._task = task

    def next(self) -> int:
        """Index of the task."""
        return self._task

    def update(self, task: int, episode_return: float) -> None:
        """Nothing depends on returns."""
