"""What results are compared by."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from benchmarks.report.compared import Compared, Curve
from hyperrl.evaluation import comparison
from hyperrl.tasks import Family

SOLVED = 0.9
"""Part of the way from the untrained agents to the best median that counts as being there."""

HELD_OUT = ("interpolation", "extrapolation")
GRID = ("train", *HELD_OUT)
"""Splits that are a grid of contexts together, where a family's contexts lie on one."""


def number(value: float) -> str:
    """A return, with as many decimals as its size asks for."""
    return f"{value:.1f}" if abs(value) >= 100 else f"{value:.2f}" if abs(value) >= 1 else f"{value:.3f}"


@dataclass(frozen=True)
class Estimate:
    """An interquartile mean over runs x tasks, or a difference of two, with its 95 % interval."""

    value: float
    low: float
    high: float
    runs: int

    @classmethod
    def of(cls, found: comparison.Estimate, runs: int) -> Estimate:
        """An estimate of so many runs; that of one run has no interval, whose ends then equal the value."""
        low, high = (found.value if end is None else end for end in (found.low, found.high))
        return cls(found.value, low, high, runs)

    def __str__(self) -> str:
        if self.runs == 1:
            return number(self.value)
        return f"{number(self.value)} [{number(self.low)}, {number(self.high)}]"


def estimate(scores: NDArray[np.float64]) -> Estimate:
    """Of scores (runs, tasks): interquartile mean and stratified bootstrap interval."""
    return Estimate.of(comparison.estimate(scores), len(scores))


def difference(one: NDArray[np.float64], other: NDArray[np.float64]) -> Estimate:
    """Interquartile mean of one agent minus another's; scores (runs, tasks) of the same seeds."""
    return Estimate.of(comparison.difference(one, other), len(one))


def per_step(results: Compared, agent: str, split: str) -> NDArray[np.float64]:
    """Mean reward per step of each run on a split of a family whose episodes all have the same length."""
    means: NDArray[np.float64] = np.mean(results.scores(agent, split), axis=1)
    return means / episode_steps(results)


def over_grid(results: Compared, agent: str) -> NDArray[np.float64]:
    """Mean return of each run over the tasks of `GRID`."""
    scores = [results.scores(agent, split) for split in GRID]
    means: NDArray[np.float64] = np.concatenate(scores, axis=1).mean(axis=1)
    return means


def best_over_grid(results: Compared) -> float | None:
    """Mean over the same tasks of the oracles; None unless each is known."""
    oracles = (results.oracle(split) for split in GRID if split in results.splits)
    known = [oracle for oracle in oracles if oracle is not None]
    return float(np.mean(np.concatenate(known))) if len(known) == len(GRID) else None


def episode_steps(results: Compared) -> int:
    """Steps of an episode that nothing ends early."""
    steps = gym.spec(Family.load(results.name).recipe.base).max_episode_steps
    assert steps is not None
    return steps


def there(results: Compared, split: str = "interpolation") -> float:
    """The return that counts as being there: `SOLVED` of the way from untrained to the best median of all."""
    return level_of([results.curves(agent, split) for agent in results.runs.agents])


def level_of(agents: Sequence[Sequence[Curve]]) -> float:
    """The same, of the curves of each agent's runs."""
    start = statistics.fmean(returns[0] for runs in agents for _, returns in runs)
    best = max(float(np.max(_median_curve(runs))) for runs in agents)
    return start + SOLVED * (best - start)


def steps_until(curve: Curve, level: float) -> float:
    """Environment steps at the first evaluation at which the mean return is at least `level`; inf: never."""
    steps, returns = curve
    reached = np.flatnonzero(returns >= level)
    return float(steps[reached[0]]) if reached.size else math.inf


def _median_curve(curves: Sequence[Curve]) -> NDArray[np.float64]:
    points = min(len(returns) for _, returns in curves)
    return np.median([returns[:points] for _, returns in curves], axis=0)
