"""Statistics of returns over runs, tasks and starts.

The interquartile mean and percentile intervals by stratified bootstrap over runs, task by task, are those of
rliable: Agarwal et al., "Deep Reinforcement Learning at the Edge of the Statistical Precipice", NeurIPS 2021
(section 4). The error of a mean over runs and tasks is that of a two-way layout with random effects: Searle,
Casella and McCulloch, "Variance Components", 1992 (section 4.3), with degrees of freedom after Satterthwaite,
1946.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Statistic = Callable[..., Any]
"""As NumPy writes them, `statistic(values, axis=k)` reducing axis k: `np.mean`, `np.median`, `iqm`."""

_CHUNK = 4_000_000  # resampled scores held at once: 32 MB


def mean(values: ArrayLike) -> float:
    """Arithmetic mean over all entries.

    Raises:
        ValueError: there are no values.
    """
    return float(np.mean(_filled(values)))


def stderr(values: ArrayLike) -> float | None:
    """Standard error of the mean: sample standard deviation (n - 1) over sqrt(n); None for a single value.

    Raises:
        ValueError: there are no values.
    """
    flat = _filled(values).ravel()
    if flat.size == 1:
        return None
    if flat.min() == flat.max():
        return 0.0  # where the rounding of the mean would leave a trace
    return float(np.std(flat, ddof=1) / np.sqrt(flat.size))


class MeanError(NamedTuple):
    """How far the mean of an evaluation may be off.

    Attributes:
        stderr: standard error of the mean.
        low: lower end of the 95 % interval of the mean; None where nothing can be said.
        high: its upper end.
    """

    stderr: float
    low: float | None
    high: float | None


def mean_error(returns: ArrayLike, *, rare: bool = True) -> MeanError | None:
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
        rare: allow for outcomes that none of the episodes showed, as told above.

    Returns:
        None where there is one episode in all.

    Raises:
        ValueError: there are no returns, or they have another number of axes.
    """
    array = _filled(returns)
    if array.ndim != 3:
        raise ValueError(f"returns must be (runs, tasks, episodes), found the shape {array.shape}")
    if array.size == 1:
        return None
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
        return MeanError(error, None, None)
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
    array = _filled(returns)
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
    array = _filled(values)
    if axis is None:
        array, axis = array.ravel(), 0
    ordered = np.sort(array, axis=axis)
    n = ordered.shape[axis]
    cut = n // 4
    middle = np.mean(np.take(ordered, range(cut, n - cut), axis=axis), axis=axis)
    return float(middle) if middle.ndim == 0 else middle


def stratified_bootstrap(
    scores: ArrayLike,
    statistic: Statistic = iqm,
    reps: int = 2000,
    seed: int = 0,
    confidence: float = 0.95,
) -> tuple[float, float]:
    """Percentile interval of a statistic; runs are drawn with replacement, independently for each task.

    Args:
        scores: (runs, tasks); (runs,) is read as one task.
        statistic: reduces the runs x tasks scores of a resample, given as one axis.
        reps: number of resamples.
        seed: of the resampling; the same seed gives the same interval.
        confidence: mass of the interval, in (0, 1).

    Returns:
        (low, high). With one run there is nothing to draw from: both equal the statistic itself.

    Raises:
        ValueError: no scores, more than two axes, or `reps` or `confidence` out of range.
    """
    array = _filled(scores)
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2:
        raise ValueError(f"scores must be (runs, tasks), found the shape {array.shape}")
    if reps < 1 or not 0 < confidence < 1:
        raise ValueError(f"reps must be positive and confidence in (0, 1), found {reps} and {confidence}")
    drawn = np.concatenate([statistic(part, axis=-1) for part in _resamples(array, reps, seed)])
    tail = 50 * (1 - confidence)
    low, high = np.percentile(drawn, [tail, 100 - tail])
    return float(low), float(high)


def _resamples(scores: NDArray[np.float64], reps: int, seed: int) -> Iterator[NDArray[np.float64]]:
    """Arrays (some, runs * tasks) that together hold `reps` resamples."""
    rng = np.random.default_rng(seed)
    runs, tasks = scores.shape
    step = max(1, _CHUNK // scores.size)
    for start in range(0, reps, step):
        count = min(step, reps - start)
        rows = rng.integers(runs, size=(count, runs, tasks))
        yield scores[rows, np.arange(tasks)].reshape(count, -1)


def _filled(values: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64)
    if array.size == 0:
        raise ValueError("there are no values to take a statistic of")
    return array
