from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from hyperrl.evaluation.statistics import MeanError, iqm, mean_error, start_error, stratified_bootstrap


def test_the_error_of_one_run_is_over_its_tasks_with_student_t() -> None:
    returns = np.array([[[4.0, 6.0], [8.0, 10.0], [1.0, 1.0]]])
    means = [5.0, 9.0, 1.0]
    expected = stats.t.interval(0.95, 2, np.mean(means), stats.sem(means))
    assert mean_error(returns) == pytest.approx((stats.sem(means), *expected), rel=1e-12)
    # variances 2, 2 and 0 of two episodes each: sqrt((2 + 2 + 0) / 2) / 3
    assert start_error(returns) == pytest.approx(2**0.5 / 3, rel=1e-12)


def test_the_error_of_one_task_is_over_its_episodes() -> None:
    returns = [4.0, 6.0, 9.0, 1.0]
    expected = stats.t.interval(0.95, 3, np.mean(returns), stats.sem(returns))
    assert mean_error([[returns]]) == pytest.approx((stats.sem(returns), *expected), rel=1e-12)
    assert mean_error([[[7.0]]]) == (None, None, None)
    assert start_error([[[7.0], [8.0]]]) is None


def test_the_error_over_runs_and_tasks_by_hand() -> None:
    returns = np.array([[0.0, 4.0, 2.0], [4.0, 8.0, 12.0]])[:, :, None]
    # means: runs 2 and 8, tasks 2, 6 and 7, all 5; left over (0, 0 + 1, 0 - 2) and its negative
    of_runs, of_tasks = 18 / 2, 7 / 3
    left = np.array(
        [[0 - 2 - 2 + 5, 4 - 2 - 6 + 5, 2 - 2 - 7 + 5], [4 - 8 - 2 + 5, 8 - 8 - 6 + 5, 12 - 8 - 7 + 5]]
    )
    rest = float(np.square(left).sum()) / 2 / 6
    total = of_runs + of_tasks - rest
    freedom = total**2 / (of_runs**2 / 1 + of_tasks**2 / 2 + rest**2 / 2)
    reach = float(stats.t.ppf(0.975, freedom)) * total**0.5
    assert mean_error(returns) == pytest.approx((total**0.5, 5 - reach, 5 + reach), rel=1e-9)


def test_the_error_is_not_less_than_that_of_runs_or_of_tasks_alone() -> None:
    """Where what is left over is large, taking it off both would leave too little."""
    returns = np.array([[0.0, 4.0], [12.0, 8.0]])  # runs 2 and 10, tasks 6 and 6, left over 2 each
    for turned in (returns, returns.T):
        error = mean_error(turned[:, :, None])
        assert error.stderr == pytest.approx(4.0)


def test_runs_that_differ_on_single_tasks_alone_have_an_error() -> None:
    """Where runs and tasks are alike in their means, what is left is a part of the mean's variance."""
    crossed = mean_error([[[0.0], [10.0]], [[10.0], [0.0]]])
    assert crossed.stderr == pytest.approx(5.0)


def test_the_error_of_starts_by_hand_at_any_scale() -> None:
    for scale in (1e-3, 1.0, 1e3):
        returns = scale * np.array([[[0.0, 0.5], [2.0, 2.0]], [[0.0, 0.3], [1.0, 1.0]]])
        of_first = 0.4**2 / 2  # of the mean over runs, 0 and 0.4; the second task's are alike
        assert start_error(returns) == pytest.approx(scale * (of_first / 2) ** 0.5 / 2)


@pytest.mark.parametrize("returns", [[1.0, 2.0], [[1.0, 2.0]], [[[[1.0]]]]])
def test_the_error_of_other_axes_is_refused(returns: Any) -> None:
    with pytest.raises(ValueError, match=r"returns must be \(runs, tasks, episodes\)"):
        mean_error(returns)


def test_of_episodes_that_are_alike_the_interval_allows_for_what_none_of_them_showed() -> None:
    """At 95 % confidence an outcome that none of 160 episodes showed has a probability of up to 1.85 %."""
    saturated = np.full((1, 32, 5), 500.0)
    reach = 500 * (1 - 0.05 ** (1 / 160))
    assert mean_error(saturated) == pytest.approx((0.0, 500 - reach, 500 + reach))
    saturated[0, 3, 2] = 499.0  # one rare outcome tells as little about worse ones
    error = mean_error(saturated)
    assert error.low == pytest.approx(500 - reach, abs=0.01)
    assert mean_error(np.zeros((1, 4, 5))) == MeanError(0.0, None, None)


def test_equal_returns_have_no_error_at_all() -> None:
    assert np.std([0.1 + 0.2] * 7, ddof=1) > 0  # the mean is rounded
    for shape in ((1, 7, 1), (1, 1, 7), (7, 1, 1)):
        assert mean_error(np.full(shape, 0.1 + 0.2)).stderr == 0.0


@pytest.mark.parametrize(("runs", "tasks", "episodes"), [(1, 6, 3), (1, 1, 5), (4, 6, 2), (3, 1, 4)])
def test_intervals_hold_the_mean_of_all_seeds_tasks_and_starts(runs: int, tasks: int, episodes: int) -> None:
    """Returns with known variances between runs (1), tasks (4) and starts (9); what is drawn once stays."""
    rng, hits, times = np.random.default_rng(0), 0, 400
    for _ in range(times):
        starts = rng.normal(0, 3, (1, tasks, episodes)) + rng.normal(0, 1, (runs, tasks, episodes))
        of_runs = rng.normal(0, 1, (runs, 1, 1)) if runs > 1 else 0.0
        of_tasks = rng.normal(0, 2, (1, tasks, 1)) if tasks > 1 else 0.0
        error = mean_error(50 + of_runs + of_tasks + starts)
        assert error is not None
        assert error.low is not None
        assert error.high is not None
        hits += error.low <= 50 <= error.high
    assert 0.92 * times <= hits <= times


def test_iqm_by_hand() -> None:
    assert iqm([100.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, -100.0]) == (2 + 3 + 4 + 5) / 4
    assert iqm([9.0, 1.0, 2.0, 3.0, 4.0, 100.0]) == (2 + 3 + 4 + 9) / 4  # floor(6 / 4) = 1 from either end
    assert iqm([1.0, 2.0, 6.0]) == 3.0  # too few to cut


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 7, 8, 31, 160])
def test_iqm_is_scipys_trimmed_mean(n: int) -> None:
    values = np.random.default_rng(n).normal(size=n)
    assert iqm(values) == pytest.approx(float(stats.trim_mean(values, 0.25)), rel=1e-12)


def test_iqm_along_an_axis_and_over_all() -> None:
    values = np.random.default_rng(0).normal(size=(5, 8))
    np.testing.assert_allclose(iqm(values, axis=1), stats.trim_mean(values, 0.25, axis=1), rtol=1e-12)
    np.testing.assert_allclose(iqm(values, axis=0), stats.trim_mean(values, 0.25, axis=0), rtol=1e-12)
    assert iqm(values) == pytest.approx(float(stats.trim_mean(values, 0.25, axis=None)), rel=1e-12)


def test_bootstrap_keeps_the_strata_apart() -> None:
    """Tasks on which all runs agree leave nothing to draw, however far the tasks lie apart."""
    scores = np.tile([0.0, 10.0, 1000.0], (4, 1))
    assert stratified_bootstrap(scores, np.mean, reps=200) == (1010 / 3, 1010 / 3)


def test_bootstrap_of_one_run_is_the_statistic() -> None:
    scores = np.array([[1.0, 2.0, 3.0, 10.0]])
    assert stratified_bootstrap(scores, reps=50) == (2.5, 2.5)


def test_bootstrap_of_two_runs_has_the_exact_distribution() -> None:
    """One task, two runs: the mean of a resample is 0, 1/2 or 1 with probability 1/4, 1/2, 1/4."""
    means: list[float] = []

    def recorded(resamples: NDArray[np.float64], axis: int) -> Any:
        means.extend(resamples.mean(axis=axis))
        return resamples.mean(axis=axis)

    assert stratified_bootstrap([[0.0], [1.0]], recorded, reps=20_000) == (0.0, 1.0)
    values, counts = np.unique(means, return_counts=True)
    assert values.tolist() == [0.0, 0.5, 1.0]
    np.testing.assert_allclose(counts / 20_000, [0.25, 0.5, 0.25], atol=0.01)


def test_bootstrap_agrees_with_the_normal_limit() -> None:
    """Of many runs it is mean ± 1.96 sqrt(sum of the strata's variances / runs) / tasks."""
    scores = np.random.default_rng(1).normal(size=(400, 3)) * [1.0, 2.0, 3.0] + [0.0, 5.0, -5.0]
    low, high = stratified_bootstrap(scores, np.mean, reps=8000)
    half = 1.959964 * float(np.sqrt(scores.var(axis=0).sum() / 400)) / 3
    assert low == pytest.approx(scores.mean() - half, abs=0.05 * half)
    assert high == pytest.approx(scores.mean() + half, abs=0.05 * half)


def test_bootstrap_is_narrower_than_resampling_tasks_too() -> None:
    scores = np.random.default_rng(2).normal(size=(5, 6)) + 10 * np.arange(6)
    low, high = stratified_bootstrap(scores, iqm, reps=2000)
    assert high - low < 5  # tasks lie 10 apart; drawing tasks as well would spread over tens
    assert low < iqm(scores) < high


def test_bootstrap_repeats() -> None:
    scores = np.random.default_rng(3).normal(size=(5, 4))
    assert stratified_bootstrap(scores) == stratified_bootstrap(scores)


def test_nothing_to_measure_is_an_error() -> None:
    for call in (mean_error, start_error, iqm, stratified_bootstrap):
        with pytest.raises(ValueError, match="no values"):
            call([])


@pytest.mark.parametrize("shape", [(2,), (2, 2, 2)])
def test_bootstrap_of_other_axes_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="runs, tasks"):
        stratified_bootstrap(np.zeros(shape))
