"""Samplers of tasks: which one each episode plays."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from hyperrl.errors import UserError, check_known
from hyperrl.recipes.curriculum import SAMPLER_OPTIONS, Sampler
from hyperrl.tasks.curricula import CURRICULA, Curriculum

MODES = get_args(Sampler)


class TaskSource(Protocol):
    """Chooses the task of an environment's next episode; `next` gives an index into `contexts`."""

    @property
    def contexts(self) -> Sequence[Mapping[str, float]]:
        """The tasks."""

    def next(self) -> int:
        """Index of the task of the next episode."""

    def update(self, task: int, episode_return: float) -> None:
        """Report the return of a finished episode of `task`."""


class TaskSampler:
    """Chooses the tasks of all environments of a process, which report the returns of their episodes to it.

    Attributes:
        contexts: the tasks.
        mode: "uniform" draws each task independently, "round-robin" goes through them in order, "plr",
            "cvar" and "adversarial" draw by the returns of earlier episodes (`hyperrl.tasks.curricula`).
        curriculum: the distribution of the last three, else None.
        finished: finished episodes per task.
        mean_return: their mean return per task, NaN where none has finished.
    """

    def __init__(
        self,
        contexts: Sequence[Mapping[str, float]],
        mode: str = "uniform",
        seed: int | None = None,
        **options: float,
    ) -> None:
        """Take the tasks.

        Args:
            contexts: the tasks.
            mode: how they are drawn.
            seed: of the draws.
            options: of the mode: `temperature` and `staleness` of "plr", `alpha` and `staleness` of "cvar",
                `strength` and `staleness` of "adversarial".

        Raises:
            UserError: there are no tasks, or the mode or an option is unknown.
        """
        if not contexts:
            raise UserError("the task sampler has no tasks to draw from")
        if mode not in MODES:
            raise UserError(f"sampler: found {mode!r}; allowed: {', '.join(map(repr, MODES))}")
        check_known(f"sampler {mode!r}", "option", options, SAMPLER_OPTIONS.get(mode, ()))
        self.contexts = list(contexts)
        self.mode, self._options = mode, options
        self._count = [0] * len(self.contexts)
        self._sum = [0.0] * len(self.contexts)
        self.reseed(seed)

    def reseed(self, seed: int | None) -> None:
        """Start the sequence of tasks anew from `seed`; a curriculum forgets all returns."""
        self._rng = np.random.default_rng(seed)
        self._position = 0
        self.curriculum: Curriculum | None = None
        if self.mode in CURRICULA:
            self.curriculum = CURRICULA[self.mode](len(self.contexts), **self._options)

    def next(self) -> int:
        """Index of the next task."""
        if self.mode == "uniform":
            return int(self._rng.random() * len(self.contexts))
        if self.curriculum is not None:
            return self.curriculum.draw(self._rng.random())
        task = self._position % len(self.contexts)
        self._position += 1
        return task

    def update(self, task: int, episode_return: float) -> None:
        """Count a finished episode of `task`; -1, a context of the caller's own, is ignored."""
        if 0 <= task < len(self.contexts):
            self._count[task] += 1
            self._sum[task] += episode_return
            if self.curriculum is not None:
                self.curriculum.finished(task, episode_return)

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """Probability of each task to be handed out next, (tasks,)."""
        if self.curriculum is not None:
            return self.curriculum.probabilities
        if self.mode == "uniform":
            return np.full(len(self.contexts), 1 / len(self.contexts))
        certain = np.zeros(len(self.contexts))
        certain[self._position % len(self.contexts)] = 1.0
        return certain

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
        curriculum = {} if self.curriculum is None else {"curriculum": self.curriculum.get_state()}
        return {
            **curriculum,
            "tasks": len(self.contexts),
            "rng": self._rng.bit_generator.state,
            "position": self._position,
            "count": list(self._count),
            "sum": list(self._sum),
        }

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Restore a state of `get_state`; raises ValueError if it is of another number of tasks."""
        if not state["tasks"] == len(state["count"]) == len(state["sum"]) == len(self.contexts):
            raise ValueError(
                f"sampler state is of {state['tasks']} tasks; this family has {len(self.contexts)}"
            )
        self._rng.bit_generator.state = state["rng"]
        self._position = int(state["position"])
        if self.curriculum is not None:
            self.curriculum.set_state(state["curriculum"])
        self._count = [int(count) for count in state["count"]]
        self._sum = [float(total) for total in state["sum"]]


class FixedTask:
    """Always the same task of a list: for evaluation, where environment i plays contexts[i]."""

    def __init__(self, contexts: Sequence[Mapping[str, float]], task: int) -> None:
        """Take the list, which many environments may share, and the index into it."""
        self.contexts = contexts
        self._task = task

    def next(self) -> int:
        """Index of the task."""
        return self._task

    def update(self, task: int, episode_return: float) -> None:
        """Nothing depends on returns."""
