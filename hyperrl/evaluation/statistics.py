"""Statistics over runs and tasks, as rliable defines them.

Source: Agarwal et al., "Deep Reinforcement Learning at the Edge of the Statistical Precipice", NeurIPS 2021:
the interquartile mean and percentile intervals by stratified bootstrap over runs, task by task (section 4).
"""

from collections.abc import Callable, Iterator
from typing import Any

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
