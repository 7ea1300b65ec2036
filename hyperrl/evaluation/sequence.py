"""Returns of an agent that learned tasks one after another: what it kept, forgot and carried over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hyperrl.errors import UserError

if TYPE_CHECKING:
    from hyperrl.store import Run

FINAL = "final"
"""The name of a run's last evaluation, when all tasks are learned."""


def stage_name(learned: int) -> str:
    """The name of the evaluation of a run after so many tasks, from 0; that after the last is `FINAL`."""
    return f"after-{learned}"


@dataclass(frozen=True)
class SequenceReturns:
    """Returns of all tasks before the first of them is learned, and after each.

    Attributes:
        tasks: the N contexts in their order.
        returns: (N + 1, N), the mean return of task j after k tasks were learned at [k, j].
    """

    tasks: Sequence[Mapping[str, float]]
    returns: NDArray[np.float64]

    @property
    def before(self) -> NDArray[np.float64]:
        """(N,), the return of each task right before it is learned, with all earlier ones learned."""
        return self._diagonal(0)

    @property
    def learned(self) -> NDArray[np.float64]:
        """(N,), the return of each task right after it is learned."""
        return self._diagonal(1)

    @property
    def final(self) -> NDArray[np.float64]:
        """(N,), the return of each task when all are learned."""
        final: NDArray[np.float64] = self.returns[-1]
        return final

    def _diagonal(self, first: int) -> NDArray[np.float64]:
        """The return of task j at stage `first + j`, for each j."""
        numbers = np.arange(len(self.tasks))
        diagonal: NDArray[np.float64] = self.returns[first + numbers, numbers]
        return diagonal

    @property
    def average(self) -> float:
        """The mean final return over tasks: ACC of Lopez-Paz and Ranzato (NeurIPS 2017), eq. 2."""
        return float(self.final.mean())

    @property
    def forgetting(self) -> float:
        """The mean, over all tasks but the last, of what a task's return lost since it was learned.

        That is the forgetting of Wolczyk et al. ("Continual World", NeurIPS 2021, sec. 4), and BWT of
        Lopez-Paz and Ranzato (eq. 3) with the other sign. Below 0 later tasks have helped.
        """
        return float((self.learned - self.final)[:-1].mean())

    @property
    def forward_transfer(self) -> float:
        """The mean, over all tasks but the first, of what earlier tasks added to the return of an unseen one.

        Measured against the untrained agent: FWT of Lopez-Paz and Ranzato, eq. 4.
        """
        return float((self.before - self.returns[0])[1:].mean())

    def to_json(self) -> dict[str, Any]:
        """All of it as plain JSON data."""
        return {
            "tasks": [dict(task) for task in self.tasks],
            "returns": self.returns.tolist(),
            "average_return": self.average,
            "forgetting": self.forgetting,
            "forward_transfer": self.forward_transfer,
        }


def read_sequence(run: Run) -> SequenceReturns:
    """What a finished run measured of its sequence of tasks, from its evaluations.

    Raises:
        UserError: a run that learned no sequence, that is not finished, or whose evaluations are corrupt.
    """
    where = f"run {str(run.path)!r}"
    if not run.spec.sequence:
        raise UserError(f"{where}: learned no sequence of tasks; allowed: runs of `hyperrl train --sequence`")
    last = run.evaluation(FINAL)
    if last is None:
        raise UserError(f"{where}: its last task is not learned yet; `hyperrl train --resume` goes on")
    try:
        tasks = [dict(task["context"]) for task in last["tasks"]]
        stages = [run.evaluation(stage_name(learned)) for learned in range(len(tasks))]
        rows = [[float(task["mean"]) for task in stage["tasks"]] for stage in (*stages, last) if stage]
        returns = np.array(rows).reshape(len(tasks) + 1, len(tasks))
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"{where}: the evaluations of its sequence are incomplete ({error})") from error
    return SequenceReturns(tasks, returns)
