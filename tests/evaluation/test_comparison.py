"""Comparisons equal rliable's, recorded in `rliable.json` by `rliable_record.py`."""

import json
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hyperrl.evaluation.comparison import (
    Estimate,
    difference,
    estimate,
    optimality_gap,
    performance_profile,
    probability_of_improvement,
)
from hyperrl.evaluation.statistics import iqm, percentile_interval
from tests.evaluation.rliable_record import FILE

Array = NDArray[np.float64]


@pytest.fixture(scope="module")
def rliable() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(FILE.read_text())
    return found


def both(rliable: dict[str, Any]) -> tuple[Array, Array]:
    return np.array(rliable["first"]), np.array(rliable["other"])


def draws(rliable: dict[str, Any], arrays: int = 1) -> list[Array]:
    """rliable's own resamples, as it draws them: of each array (reps, runs, tasks), one after another."""
    rng = np.random.RandomState(rliable["seed"])
    shape = np.array(rliable["first"]).shape
    rows = [[rng.choice(shape[0], shape) for _ in range(arrays)] for _ in range(rliable["reps"])]
    return [np.array([each[i] for each in rows]) for i in range(arrays)]


def resamples(scores: Array, rows: Array) -> Array:
    found: Array = scores[rows, np.arange(scores.shape[1])].reshape(len(rows), -1)
    return found


def assert_equal(found: Estimate, recorded: dict[str, Any], same_draws: Array) -> None:
    """The value to 1e-9; the interval to 1e-9 with the same draws, to Monte Carlo error with our own."""
    low, high = recorded["interval"]
    assert found.value == pytest.approx(recorded["value"], abs=1e-9)
    np.testing.assert_allclose(percentile_interval(same_draws), (low, high), atol=1e-9)
    assert found[1:] == pytest.approx((low, high), abs=0.06 * (high - low))


def test_the_interquartile_mean(rliable: dict[str, Any]) -> None:
    first, _ = both(rliable)
    same = iqm(resamples(first, *draws(rliable)), axis=-1)
    assert_equal(estimate(first), rliable["iqm"], same)


def test_the_optimality_gap(rliable: dict[str, Any]) -> None:
    first, _ = both(rliable)
    same = optimality_gap(resamples(first, *draws(rliable)), axis=-1)
    assert_equal(estimate(first, optimality_gap), rliable["optimality_gap"], same)


def test_differences_paired_by_seed(rliable: dict[str, Any]) -> None:
    first, other = both(rliable)
    (rows,) = draws(rliable)
    same = iqm(resamples(first, rows), axis=-1) - iqm(resamples(other, rows), axis=-1)
    assert_equal(difference(first, other), rliable["paired_difference"], same)


def test_the_probability_of_improvement(rliable: dict[str, Any]) -> None:
    first, other = both(rliable)
    ours, theirs = draws(rliable, arrays=2)
    columns = np.arange(first.shape[1])
    same = np.array(
        [
            probability_of_improvement(first[one, columns], other[two, columns], reps=1).value
            for one, two in zip(ours, theirs, strict=True)
        ]
    )
    assert_equal(probability_of_improvement(first, other), rliable["probability_of_improvement"], same)


def test_performance_profiles(rliable: dict[str, Any]) -> None:
    first, _ = both(rliable)
    recorded = rliable["profile"]
    profile = performance_profile(first, recorded["thresholds"])
    np.testing.assert_allclose(profile.share, recorded["share"], atol=1e-9)
    same = resamples(first, *draws(rliable))[:, :, None] > profile.thresholds
    np.testing.assert_allclose(percentile_interval(same.mean(axis=1)), recorded["band"], atol=1e-9)
    assert profile.low is not None
    assert profile.high is not None
    np.testing.assert_allclose(
        np.stack([profile.low, profile.high]), recorded["band"], atol=1.01 / first.size
    )


def test_runs_are_drawn_for_each_task_by_itself() -> None:
    """Runs that are as good on all tasks show it: drawn for all tasks at once they would vary as on one."""
    runs = np.repeat(np.arange(6.0)[:, None], 64, axis=1)
    level = np.full_like(runs, 2.5)

    def widths(tasks: int) -> Array:
        ours, theirs = runs[:, :tasks], level[:, :tasks]
        profile = performance_profile(ours, [2.5])
        assert profile.low is not None
        assert profile.high is not None
        ends = [
            estimate(ours)[1:],
            difference(ours, theirs)[1:],
            probability_of_improvement(ours, theirs)[1:],
            probability_of_improvement(theirs, ours)[1:],
            (profile.low[0], profile.high[0]),
        ]
        return np.diff(np.array(ends, dtype=np.float64), axis=1)[:, 0]

    assert (widths(64) < widths(1) / 4).all()
    assert (widths(64) > 0).all()


def test_pairs_take_out_what_seeds_share() -> None:
    seeds = np.array([[0.0], [10.0], [20.0], [30.0]])
    one, other = np.tile(seeds + 1, 3), np.tile(seeds, 3)
    paired, apart = difference(one, other), difference(one, other, paired=False)
    assert paired == (1.0, 1.0, 1.0)
    assert apart.low is not None
    assert apart.low < 0 < 1.0 == apart.value


def test_unpaired_agents_may_have_unlike_numbers_of_runs() -> None:
    one, other = np.ones((4, 2)), np.zeros((3, 2))
    assert difference(one, other, paired=False) == (1.0, 1.0, 1.0)
    assert probability_of_improvement(one, other) == (1.0, 1.0, 1.0)
    with pytest.raises(ValueError, match="as many runs"):
        difference(one, other)


def test_a_single_run_has_no_interval() -> None:
    one = np.array([[1.0, 2.0]])
    assert estimate(one) == (1.5, None, None)
    assert difference(one, one) == (0.0, None, None)
    assert probability_of_improvement(one, np.ones((3, 2))) == (0.75, None, None)
    assert performance_profile(one, [0.0, 1.0]).low is None


def test_other_tasks_are_refused() -> None:
    for compare in (difference, probability_of_improvement):
        with pytest.raises(ValueError, match="the same tasks, found 2 and 3"):
            compare(np.ones((2, 2)), np.ones((2, 3)))


def test_many_runs_are_drawn_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=(4, 3)), rng.normal(size=(4, 3))

    def once() -> list[float]:
        improvement = probability_of_improvement(one, other, reps=100)
        profile = performance_profile(one, [0.0, 0.5], reps=100)
        assert profile.low is not None
        return [*map(float, profile.low), float(improvement.low or 0.0)]

    whole = once()
    monkeypatch.setattr("hyperrl.evaluation.comparison._CHUNK", 100)
    assert once() == pytest.approx(whole, abs=0.1)
