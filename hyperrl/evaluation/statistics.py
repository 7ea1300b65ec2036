"""Statistics of returns over runs, tasks and starts.

The interquartile mean and percentile intervals by stratified bootstrap over runs, task by task, are those of
rliable: Agarwal et al., "Deep Reinforcement Learning at the Edge of the Statistical Precipice", NeurIPS 2021
(section 4). So are the probability of improvement, performance profiles and the optimality gap
(`hyperrl.evaluation.comparison`). The error of a mean over runs and tasks is that of a two-way layout with
random effects: Searle, Casella and McCulloch, "Variance Components", 1992 (section 4.3), with degrees of
freedom after Satterthwaite, 1946.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Statistic = Callable[..., Any]
"""As NumPy writes them, `statistic(values, axis=k)` reducing axis k: `np.mean`, `np.median`, `iqm`."""

_CHUNK = 4_000_000
"""Resampled scores that are held at once: 32 MB."""
_TAIL = 50 * (1 - 0.95)
"""Per cent of the resamples beyond either end of a 95 % interval."""


class MeanError(NamedTuple):
    """How far the mean of an evaluation may be off.

    Attributes:
        stderr: standard error of the mean; None for one episode in all.
        low: lower end of the 95 % interval of the mean; None where nothing can be said.
        high: its upper end.
    """

    stderr: float | None = None
    low: float | None = None
    high: float | None = None


def mean_error(returns: ArrayLike, *, rare: bool = True) -> MeanError:
    """Standard error and 95 % interval of the mean return over runs, tasks and starts.

    Columns are the tasks' mean returns, or, of a single task, its episodes. Tasks have starts of their own,
    so the spread between columns holds both what tasks differ by and what starts do. With R runs and C
    columns, and variances (n - 1) between the runs' means, between the columns' means, and of what is left,

        stderr^2 = V_runs / R + V_columns / C - V_rest / (R C), not less than any of the three alone

    (the columns are the same in all runs, so that what is left is in both of the first two terms). A single
    run has V_columns / C alone; runs of one episode of one task have V_runs / R alone.

    The interval is mean +- t stderr, by Student's t with Satterthwaite's degrees of freedom (C - 1 for a
    single run).

    Where more than half of all n episodes return the very same (an agent that mostly earns all that there is,
    or nothing), rare outcomes decide, and the spread of those seen says little about those that are not. What
    none of n episodes showed may still have a probability of up to 1 - 0.05^(1/n), about 3/n, at 95 %
    confidence. There the interval reaches at least so far as if such an outcome cost the whole mean return.
    Where every return is 0 no size is known, and there is no interval.

    Args:
        returns: undiscounted returns (runs, tasks, episodes).
        rare: allow for outcomes that none of the episodes showed, as described above.

    Raises:
        ValueError: there are no returns, or they have another number of axes.
    """
    array = _nonempty(returns)
    if array.ndim != 3:
        raise ValueError(f"returns must be (runs, tasks, episodes), found the shape {array.shape}")
    if array.size == 1:
        return MeanError()
    from scipy.special import stdtrit

    scores = array.mean(axis=2) if array.shape[1] > 1 else array[:, 0]
    error, freedom = _two_way(scores)
    center = float(scores.mean())
    unseen = 1 - 0.05 ** (1 / array.size)
    reach = float(stdtrit(freedom, 0.975)) * error
    _, counts = np.unique(array, return_counts=True)
    if rare and 2 * counts.max() > array.size:
        reach = max(reach, unseen * abs(center))
    if rare and not array.any():
        return MeanError(error)
    return MeanError(error, center - reach, center + reach)


def start_error(returns: ArrayLike) -> float | None:
    """The part of the mean's standard error that other starts of the same tasks would change.

    The root of the sum over tasks of V_task / E, divided by the number of tasks, with V_task the variance
    (n - 1) between the E episodes of a task, averaged over runs. More episodes make it smaller; what is left
    of the error then is due to tasks and runs.

    Args:
        returns: undiscounted returns (runs, tasks, episodes).

    Returns:
        None for one episode a task.
    """
    array = _nonempty(returns)
    tasks, episodes = array.shape[1:]
    if episodes == 1:
        return None
    within = array.mean(axis=0)
    varying = np.ptp(within, axis=1) > 0
    variances = np.where(varying, np.var(within, axis=1, ddof=1), 0.0)
    return float(np.sqrt(variances.sum() / episodes) / tasks)


def _two_way(scores: NDArray[np.float64]) -> tuple[float, float]:
    """Standard error of the mean of (runs, columns), and its degrees of freedom."""
    runs, columns = scores.shape
    if scores.min() == scores.max():
        return 0.0, 1.0  # where the rounding of the mean would leave a trace
    if runs == 1 or columns == 1:
        return float(np.std(scores, ddof=1) / np.sqrt(scores.size)), scores.size - 1.0
    by_run, by_column = scores.mean(axis=1), scores.mean(axis=0)
    left = scores - by_run[:, None] - by_column + scores.mean()
    rest = float(np.square(left).sum()) / ((runs - 1) * (columns - 1)) / scores.size
    of_runs, of_columns = float(np.var(by_run, ddof=1)) / runs, float(np.var(by_column, ddof=1)) / columns
    total = max(of_runs + of_columns - rest, of_runs, of_columns, rest)
    spread = of_runs**2 / (runs - 1) + of_columns**2 / (columns - 1)
    freedom = total**2 / (spread + rest**2 / ((runs - 1) * (columns - 1)))
    return float(np.sqrt(total)), max(freedom, min(runs, columns) - 1.0)


def iqm(values: ArrayLike, axis: int | None = None) -> Any:
    """Interquartile mean: the mean of what is left when floor(n / 4) values are cut from either end.

    Args:
        values: scores of any shape, e.g. (runs, tasks).
        axis: the axis to reduce; None takes all entries together, as rliable does with (runs, tasks).

    Returns:
        A float for `axis=None`, else an array without that axis.

    Raises:
        ValueError: there are no values.
    """
    array = _nonempty(values)
    # Not scipy.stats.trim_mean, which it equals: importing scipy.stats takes longer than a short evaluation.
    ordered = np.sort(array.ravel() if axis is None else np.moveaxis(array, axis, -1))
    cut = ordered.shape[-1] // 4
    return ordered[..., cut : ordered.shape[-1] - cut].mean(axis=-1)


def stratified_bootstrap(
    scores: ArrayLike, statistic: Statistic = iqm, reps: int = 2000
) -> tuple[float, float]:
    """95 % percentile interval of a statistic; runs are drawn with replacement, independently for each task.

    Args:
        scores: (runs, tasks).
        statistic: reduces the runs x tasks scores of a resample, given as one axis.
        reps: number of resamples, the same ones in every call.

    Returns:
        (low, high). With one run there is nothing to draw from: both equal the statistic itself.

    Raises:
        ValueError: no scores, or another number of axes than two.
    """
    low, high = percentile_interval(bootstrap_values(scores, statistic, reps))
    return float(low), float(high)


def bootstrap_values(
    scores: ArrayLike, statistic: Statistic = iqm, reps: int = 2000, seed: int = 0
) -> NDArray[np.float64]:
    """A statistic of each resample, (reps,): runs are drawn with replacement, independently for each task.

    Args:
        scores: (runs, tasks).
        statistic: reduces the runs x tasks scores of a resample, given as one axis.
        reps: number of resamples.
        seed: of the draws; scores of one shape have the same draws, run by run and task by task.

    Raises:
        ValueError: no scores, or another number of axes than two.
    """
    array = run_scores(scores)
    rng = np.random.default_rng(seed)
    runs, tasks = array.shape
    step = max(1, _CHUNK // array.size)
    values: list[NDArray[np.float64]] = []
    for start in range(0, reps, step):
        rows = rng.integers(runs, size=(min(step, reps - start), runs, tasks))
        resamples = array[rows, np.arange(tasks)].reshape(len(rows), -1)
        values.append(statistic(resamples, axis=-1))
    return np.concatenate(values)


def percentile_interval(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The 2.5th and the 97.5th percentile over the first axis, (2, ...)."""
    ends: NDArray[np.float64] = np.percentile(values, [_TAIL, 100 - _TAIL], axis=0)
    return ends


def run_scores(scores: ArrayLike) -> NDArray[np.float64]:
    """Scores as an array (runs, tasks).

    Raises:
        ValueError: no scores, or another number of axes than two.
    """
    array = _nonempty(scores)
    if array.ndim != 2:
        raise ValueError(f"scores must be (runs, tasks), found the shape {array.shape}")
    return array


def _nonempty(values: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64)
    if array.size == 0:
        raise ValueError("there are no values to take a statistic of")
    return array
