"""Distributions over training tasks that follow what their episodes returned."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

NEWEST = 0.3
"""Weight of the newest return in a task's running mean."""


def by_rank(scores: Floats, temperature: float) -> Floats:
    """Prioritize by rank: proportional to (1 / rank)^(1 / temperature), rank 1 the highest score.

    Jiang et al., "Prioritized Level Replay", ICML 2021, equation 4 with h = 1 / rank. Equal scores share what
    their ranks are given.

    Args:
        scores: (N,), infinite ones allowed.
        temperature: toward 0 the highest score takes all, the larger the more uniform.

    Returns:
        Probabilities (N,).
    """
    weights = np.exp(-np.log(np.arange(1, len(scores) + 1)) / temperature)
    return _in_order(-scores, weights / weights.sum())


def by_staleness(last: NDArray[np.int64], drawn: int) -> Floats:
    """Prioritize what was drawn long ago: proportional to the draws since (PLR, equation 5).

    Args:
        last: (N,), the number of the draw that each task had last.
        drawn: draws so far; one of a single task gives it all.
    """
    ages = (drawn - last).astype(np.float64)
    total = ages.sum()
    return ages / total if total > 0 else np.full(len(last), 1 / len(last))


def worst(values: Floats, alpha: float) -> Floats:
    """Uniform over the lowest fraction `alpha` of the values, at least one: the tail whose mean is the CVaR.

    Equal values share the places that they have in it.
    """
    count = max(math.ceil(alpha * len(values) - 1e-9), 1)
    return _in_order(values, np.where(np.arange(len(values)) < count, 1 / count, 0.0))


def tilted(values: Floats, strength: float) -> Floats:
    """Prefer low values: proportional to exp(-strength z), z the value in standard deviations.

    Args:
        values: (N,), NaN where nothing is known, which counts as one standard deviation below all others.
        strength: 0 is uniform.

    Returns:
        Probabilities (N,).
    """
    unknown = np.isnan(values)
    if unknown.all():
        return np.full(len(values), 1 / len(values))
    spread = float(values[~unknown].std()) or 1.0
    filled = np.where(unknown, np.nanmin(values) - spread, values)
    weights: Floats = np.exp(-strength * (filled - filled.min()) / spread)
    tilt: Floats = weights / weights.sum()
    return tilt


def _in_order(keys: Floats, weights: Floats) -> Floats:
    """Give the first weight to the lowest key and so on; equal keys share theirs."""
    in_order = np.empty_like(weights)
    in_order[np.argsort(keys, kind="stable")] = weights
    _, group = np.unique(keys, return_inverse=True)
    shared: Floats = (np.bincount(group, in_order) / np.bincount(group))[group]
    return shared


class Curriculum(ABC):
    """A distribution over N tasks: those never drawn first, then priorities mixed with staleness.

    A task that was drawn and has not finished yet counts as the most urgent.

    Args:
        tasks: their number N.
        staleness: weight, 0 to 1, of `by_staleness`, which keeps what is known of every task fresh.
    """

    def __init__(self, tasks: int, staleness: float) -> None:
        self.staleness = staleness
        self._last = np.zeros(tasks, np.int64)
        self._drawn = 0
        self._known: Floats | None = None

    @property
    def probabilities(self) -> Floats:
        """Probability of each task to be drawn next, (N,)."""
        if self._known is None:
            unseen = self._last == 0
            if unseen.any():
                self._known = unseen / unseen.sum()
            else:
                stale = by_staleness(self._last, self._drawn)
                self._known = (1 - self.staleness) * self._priorities() + self.staleness * stale
        return self._known

    def draw(self, number: float) -> int:
        """Draw the task at `number`, in [0, 1), of the distribution."""
        reached = self.probabilities.cumsum()
        task = int(reached.searchsorted(number * reached[-1], side="right"))
        task = min(task, int(reached.searchsorted(reached[-1])))
        self._drawn += 1
        self._last[task] = self._drawn
        self._known = None
        return task

    def finished(self, task: int, episode_return: float) -> None:
        """Learn of a finished episode."""
        self._note(task, episode_return)
        self._known = None

    @abstractmethod
    def _priorities(self) -> Floats:
        """Probabilities (N,) by what episodes returned."""

    @abstractmethod
    def _note(self, task: int, episode_return: float) -> None: ...

    @property
    @abstractmethod
    def _memory(self) -> dict[str, Floats]:
        """What is known of each task, NaN where nothing is; arrays (N,) to be written into."""

    def get_state(self) -> dict[str, Any]:
        """State as plain JSON data."""
        known = {
            name: [None if math.isnan(value) else value for value in values.tolist()]
            for name, values in self._memory.items()
        }
        return {"drawn": self._drawn, "last": self._last.tolist(), **known}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Go on from what `get_state` gave; ValueError or OverflowError where it cannot have."""
        drawn, last = np.int64(state["drawn"]), np.array(state["last"], np.int64)
        if last.shape != self._last.shape or last.min() < 0 or last.max() > drawn:
            raise ValueError(f"the curriculum is not one of {len(self._last)} tasks")
        self._drawn, self._last[:] = int(drawn), last
        for name, values in self._memory.items():
            known = [math.nan if value is None else value for value in state[name]]
            values[:] = np.reshape(known, values.shape)
        self._known = None


class PrioritizedReplay(Curriculum):
    """Prioritized Level Replay: by rank of regret, the running best return of the task less its latest one.

    Jiang et al., ICML 2021; the score is the regret against the best return seen, as in their "Replay-Guided
    Adversarial Environment Design", NeurIPS 2021 (maximum Monte Carlo), for whole episodes.

    Args:
        tasks: their number N.
        temperature: beta of `by_rank`.
        staleness: rho, see `Curriculum`.
    """

    def __init__(self, tasks: int, temperature: float = 0.1, staleness: float = 0.1) -> None:
        super().__init__(tasks, staleness)
        self.temperature = temperature
        self._best, self._latest = np.full(tasks, np.nan), np.full(tasks, np.nan)

    def _priorities(self) -> Floats:
        regret = self._best - self._latest
        return by_rank(np.where(np.isnan(regret), np.inf, regret), self.temperature)

    def _note(self, task: int, episode_return: float) -> None:
        self._best[task] = np.fmax(self._best[task], episode_return)
        self._latest[task] = episode_return

    @property
    def _memory(self) -> dict[str, Floats]:
        return {"best": self._best, "latest": self._latest}


class WorstCase(Curriculum):
    """Uniform over the fraction of tasks with the lowest running mean of returns.

    Training then follows the conditional value at risk over tasks (Rockafellar and Uryasev, 2000), as EPOpt
    does with trajectories (Rajeswaran et al., ICLR 2017).

    Args:
        tasks: their number N.
        alpha: the fraction, above 0 and up to 1.
        staleness: see `Curriculum`; with 0 a task that has left the worst is drawn again only if others rise
            above it.
    """

    def __init__(self, tasks: int, alpha: float = 0.25, staleness: float = 0.1) -> None:
        super().__init__(tasks, staleness)
        self.alpha = alpha
        self._mean = np.full(tasks, np.nan)

    def _priorities(self) -> Floats:
        return worst(np.where(np.isnan(self._mean), -np.inf, self._mean), self.alpha)

    def _note(self, task: int, episode_return: float) -> None:
        before = self._mean[task]
        self._mean[task] = episode_return if np.isnan(before) else before + NEWEST * (episode_return - before)

    @property
    def _memory(self) -> dict[str, Floats]:
        return {"mean": self._mean}


class Adversary(WorstCase):
    """An adversary that chooses the tasks, and pays for each choice that is not uniform.

    Of all distributions q over tasks it draws from the one with the least E_q[R] + c KL(q || uniform), which
    is proportional to exp(-R / c): the inner problem of optimization that is robust within a Kullback-Leibler
    divergence (Hu and Hong, "Kullback-Leibler Divergence Constrained Distributionally Robust Optimization",
    2013), and of tilted losses (Li et al., ICLR 2021). R is the running mean of a task's returns, and c the
    standard deviation of R over tasks divided by the strength, so that no unit of returns matters.

    Args:
        tasks: their number N.
        strength: how many times likelier the tasks one standard deviation below the mean are than the mean,
            as the exponent of e.
        staleness: see `Curriculum`.
    """

    def __init__(self, tasks: int, strength: float = 1.5, staleness: float = 0.1) -> None:
        super().__init__(tasks, staleness=staleness)
        self.strength = strength

    def _priorities(self) -> Floats:
        return tilted(self._mean, self.strength)


CURRICULA: dict[str, type[PrioritizedReplay | WorstCase | Adversary]] = {
    "plr": PrioritizedReplay,
    "cvar": WorstCase,
    "adversarial": Adversary,
}
