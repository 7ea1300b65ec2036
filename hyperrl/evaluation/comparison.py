"""Statistics by which agents are compared, each with its 95 % interval.

All are those of rliable: Agarwal et al., "Deep Reinforcement Learning at the Edge of the Statistical
Precipice", NeurIPS 2021 (section 4). Intervals are percentiles of a stratified bootstrap: runs are drawn with
replacement, independently for each task.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hyperrl.evaluation.statistics import (
    Statistic,
    bootstrap_values,
    iqm,
    percentile_interval,
    run_scores,
)

_REPS = 2000
_CHUNK = 2_000_000
"""Numbers of draws that are in memory at once: 16 MB."""


class Estimate(NamedTuple):
    """A statistic and its 95 % interval.

    Attributes:
        value: the statistic of all runs.
        low: lower end of the interval; None where there is one run, so that nothing can be drawn.
        high: its upper end.
    """

    value: float
    low: float | None = None
    high: float | None = None

    @classmethod
    def of(cls, value: Any, resamples: NDArray[np.float64] | None) -> Estimate:
        """A value with the percentiles of its resamples (reps,), None where there are none."""
        if resamples is None:
            return cls(float(value))
        low, high = percentile_interval(resamples)
        return cls(float(value), float(low), float(high))


class Profile(NamedTuple):
    """A performance profile: for each threshold the share of runs x tasks whose score is above it.

    Attributes:
        thresholds: scores (T,), ascending.
        share: (T,), from 1 down to 0.
        low: lower ends of pointwise 95 % intervals (T,); None for a single run.
        high: their upper ends.
    """

    thresholds: NDArray[np.float64]
    share: NDArray[np.float64]
    low: NDArray[np.float64] | None
    high: NDArray[np.float64] | None


def estimate(scores: ArrayLike, statistic: Statistic = iqm, reps: int = _REPS) -> Estimate:
    """A statistic over runs x tasks with its stratified bootstrap interval.

    Args:
        scores: (runs, tasks).
        statistic: reduces runs x tasks scores, given as one axis.
        reps: number of resamples.

    Raises:
        ValueError: no scores, or another number of axes than two.
    """
    array = run_scores(scores)
    resamples = _resamples(array, statistic, reps) if len(array) > 1 else None
    return Estimate.of(statistic(array.reshape(-1), axis=-1), resamples)


def difference(
    one: ArrayLike, other: ArrayLike, *, paired: bool = True, statistic: Statistic = iqm, reps: int = _REPS
) -> Estimate:
    """A statistic of one agent minus that of another.

    Args:
        one: scores (runs, tasks).
        other: scores of the same tasks (runs, tasks).
        paired: run r of both has the same seed; each resample draws the same runs of both. Otherwise it draws
            the runs of each by itself.
        statistic: reduces runs x tasks scores, given as one axis.
        reps: number of resamples.

    Raises:
        ValueError: no scores, another number of axes than two, other tasks, or pairs of other numbers of
            runs.
    """
    first, second = _both(one, other)
    if paired and len(first) != len(second):
        raise ValueError(f"pairs need as many runs of both, found {len(first)} and {len(second)}")
    value = statistic(first.reshape(-1), axis=-1) - statistic(second.reshape(-1), axis=-1)
    if min(len(first), len(second)) == 1:
        return Estimate(float(value))
    theirs = _resamples(second, statistic, reps, 0 if paired else 1)
    return Estimate.of(value, _resamples(first, statistic, reps) - theirs)


def probability_of_improvement(one: ArrayLike, other: ArrayLike, *, reps: int = _REPS) -> Estimate:
    """The probability that a run of one agent scores higher than a run of another, on a task drawn at random.

    The mean over tasks of P(X > Y) + P(X = Y) / 2, over all pairs of runs: Mann and Whitney's U divided by
    the number of pairs (Agarwal et al., section 4.3). Resamples draw the runs of each agent by itself.

    Args:
        one: scores (runs, tasks).
        other: scores of the same tasks (runs, tasks).
        reps: number of resamples.

    Raises:
        ValueError: no scores, another number of axes than two, or other tasks.
    """
    first, second = _both(one, other)
    gaps = first.T[:, :, None] - second.T[:, None, :]
    wins = (gaps > 0) + 0.5 * (gaps == 0)
    value, (tasks, runs, others) = wins.mean(), wins.shape
    if min(runs, others) == 1:
        return Estimate(float(value))
    rng, found = np.random.default_rng(0), []
    for count in _chunks(reps, tasks * (runs + others)):
        ours, theirs = _counts(rng, runs, (count, tasks)), _counts(rng, others, (count, tasks))
        found.append(np.einsum("cti,tij,ctj->c", ours, wins, theirs, optimize=True) / wins.size)
    return Estimate.of(value, np.concatenate(found))


def performance_profile(scores: ArrayLike, thresholds: ArrayLike, *, reps: int = _REPS) -> Profile:
    """The distribution of scores over runs x tasks, with pointwise 95 % bands (Agarwal et al., section 4.2).

    Args:
        scores: (runs, tasks).
        thresholds: (T,), ascending.
        reps: number of resamples.

    Raises:
        ValueError: no scores, or another number of axes than two.
    """
    array, levels = run_scores(scores), np.asarray(thresholds, dtype=np.float64)
    runs, tasks = array.shape
    above = (array.T[:, :, None] > levels).astype(np.float64).reshape(runs * tasks, -1)
    share = above.mean(axis=0)
    if runs == 1:
        return Profile(levels, share, None, None)
    rng, found = np.random.default_rng(0), []
    for count in _chunks(reps, array.size):
        drawn = _counts(rng, runs, (count, tasks)).reshape(count, -1)
        found.append(drawn @ above / array.size)
    low, high = percentile_interval(np.concatenate(found))
    return Profile(levels, share, low, high)


def optimality_gap(normalized: ArrayLike, axis: int | None = None, *, gamma: float = 1.0) -> Any:
    """How far scores fall short of a goal: the mean of max(gamma - score, 0).

    Args:
        normalized: scores as parts of the best known return of their task.
        axis: the axis to reduce; None takes all entries together.
        gamma: the goal; what is above it counts as much as the goal.

    Returns:
        A float for `axis=None`, else an array without that axis.
    """
    short = np.maximum(gamma - np.asarray(normalized, dtype=np.float64), 0.0).mean(axis=axis)
    return float(short) if axis is None else short


def _both(one: ArrayLike, other: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    first, second = run_scores(one), run_scores(other)
    if first.shape[1] != second.shape[1]:
        raise ValueError(f"both need the same tasks, found {first.shape[1]} and {second.shape[1]}")
    return first, second


def _chunks(reps: int, size: int) -> list[int]:
    """Numbers of resamples of `size` numbers each, `reps` in all, few enough at once."""
    step = max(1, _CHUNK // size)
    return [min(step, reps - start) for start in range(0, reps, step)]


def _counts(rng: np.random.Generator, runs: int, shape: tuple[int, int]) -> NDArray[np.float64]:
    """How often each run is drawn, (*shape, runs): as many draws as runs, with replacement."""
    places = shape[0] * shape[1]
    drawn = rng.integers(runs, size=(places, runs)) + runs * np.arange(places)[:, None]
    return np.bincount(drawn.ravel(), minlength=places * runs).astype(np.float64).reshape(*shape, runs)


def _resamples(
    scores: NDArray[np.float64], statistic: Statistic, reps: int, seed: int = 0
) -> NDArray[np.float64]:
    """What `bootstrap_values` gives; an agent that is compared with several others is resampled once."""
    return _resampled(scores.tobytes(), scores.shape, statistic, reps, seed)


@lru_cache(maxsize=64)
def _resampled(
    scores: bytes, shape: tuple[int, ...], statistic: Statistic, reps: int, seed: int
) -> NDArray[np.float64]:
    return bootstrap_values(np.frombuffer(scores).reshape(shape), statistic, reps, seed)
