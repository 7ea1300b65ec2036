"""What results are compared by."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from benchmarks.report.records import FamilyResults, Record
from hyperrl.evaluation import iqm, stratified_bootstrap

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

    def __str__(self) -> str:
        if self.runs == 1:
            return number(self.value)
        return f"{number(self.value)} [{number(self.low)}, {number(self.high)}]"


def estimate(scores: NDArray[np.float64]) -> Estimate:
    """Of scores (runs, tasks): interquartile mean and stratified bootstrap interval."""
    return Estimate(iqm(scores), *stratified_bootstrap(scores), len(scores))


def difference(one: NDArray[np.float64], other: NDArray[np.float64]) -> Estimate:
    """Interquartile mean of one agent minus another's; scores (runs, tasks) with as many runs each.

    The interval is that of the difference: both agents' runs are drawn anew in each resample.
    """
    runs, tasks = one.shape

    def gap(values: NDArray[np.float64], axis: int) -> Any:
        both = values.reshape(*values.shape[:-1], runs, 2 * tasks)
        first, second = both[..., :tasks], both[..., tasks:]
        flat = (*values.shape[:-1], runs * tasks)
        return iqm(first.reshape(flat), axis=axis) - iqm(second.reshape(flat), axis=axis)

    low, high = stratified_bootstrap(np.concatenate([one, other], axis=1), gap)
    return Estimate(iqm(one) - iqm(other), low, high, runs)


def per_step(results: FamilyResults, agent: str, split: str) -> NDArray[np.float64]:
    """Mean reward per step of each run on a split of a family whose episodes all have the same length."""
    means: NDArray[np.float64] = np.mean(results.scores(agent, split), axis=1)
    return means / episode_steps(results)


def over_grid(results: FamilyResults, agent: str) -> NDArray[np.float64]:
    """Mean return of each run over the tasks of `GRID`."""
    scores = [results.scores(agent, split) for split in GRID]
    means: NDArray[np.float64] = np.concatenate(scores, axis=1).mean(axis=1)
    return means


def best_over_grid(results: FamilyResults) -> float | None:
    """Mean over the same tasks of the oracles; None unless each is known."""
    oracles = (results.oracle(split) for split in GRID if split in results.splits)
    known = [oracle for oracle in oracles if oracle is not None]
    return float(np.mean(np.concatenate(known))) if len(known) == len(GRID) else None


def episode_steps(results: FamilyResults) -> int:
    """Steps of an episode that nothing ends early."""
    steps = gym.spec(results.family.recipe.base).max_episode_steps
    assert steps is not None
    return steps


def there(results: FamilyResults, split: str = "interpolation") -> float:
    """The return that counts as being there: `SOLVED` of the way from untrained to the best median of all."""
    start = statistics.fmean(record.curve(split)[1][0] for record in results.records)
    best = max(float(np.max(_median_curve(runs, split))) for runs in results.agents.values())
    return start + SOLVED * (best - start)


def steps_until(record: Record, level: float, split: str = "interpolation") -> float:
    """Environment steps at the first evaluation at which the mean return is at least `level`; inf: never."""
    steps, returns = record.curve(split)
    reached = np.flatnonzero(returns >= level)
    return float(steps[reached[0]]) if reached.size else math.inf


def _median_curve(runs: Sequence[Record], split: str) -> NDArray[np.float64]:
    curves = [run.curve(split)[1] for run in runs]
    points = min(len(curve) for curve in curves)
    return np.median([curve[:points] for curve in curves], axis=0)
