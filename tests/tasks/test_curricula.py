"""Curricula: the distributions are the papers', and what is drawn follows from what was returned."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperrl.errors import UserError
from hyperrl.tasks import TaskSampler
from hyperrl.tasks.curricula import CURRICULA, by_rank, by_staleness, tilted, worst

TASKS = [{"c0": float(i)} for i in range(5)]


def test_ranks_are_weighted_as_in_prioritized_level_replay() -> None:
    beta = 0.4
    ranks = np.array([3, 1, 4, 2])
    expected = (1 / ranks) ** (1 / beta)
    found = by_rank(np.array([0.2, 9.0, -1.0, 3.0]), beta)
    np.testing.assert_allclose(found, expected / expected.sum(), rtol=1e-12)
    np.testing.assert_allclose(by_rank(np.array([1.0, 2.0]), 0.01), [0, 1], atol=1e-12)


def test_equal_scores_are_equally_likely() -> None:
    found = by_rank(np.array([1.0, 5.0, 1.0, np.inf]), 1.0)
    weights = np.array([1, 1 / 2, 1 / 3, 1 / 4]) / (25 / 12)
    np.testing.assert_allclose(found, [weights[2:].mean(), weights[1], weights[2:].mean(), weights[0]])


def test_staleness_is_proportional_to_the_draws_since() -> None:
    np.testing.assert_allclose(by_staleness(np.array([4, 10, 7]), 10), [6 / 9, 0, 3 / 9])
    assert by_staleness(np.array([1]), 1) == [1.0]


@pytest.mark.parametrize(
    ("alpha", "expected"),
    [
        (0.25, [0, 1, 0, 0]),
        (0.5, [0, 0.5, 0, 0.5]),
        (0.51, [1 / 3, 1 / 3, 0, 1 / 3]),
        (1, [0.25] * 4),
        (0.01, [0, 1, 0, 0]),
    ],
)
def test_the_worst_fraction_is_uniform(alpha: float, expected: list[float]) -> None:
    np.testing.assert_allclose(worst(np.array([3.0, -2.0, 7.0, 1.0]), alpha), expected)


def test_equal_returns_share_the_places_among_the_worst() -> None:
    np.testing.assert_allclose(worst(np.array([0.0, 5.0, 0.0, 0.0]), 0.5), [1 / 3, 0, 1 / 3, 1 / 3])
    np.testing.assert_allclose(worst(np.array([1.0, -1.0, 1.0]), 0.6), [1 / 4, 1 / 2, 1 / 4])


def test_a_fraction_of_tasks_is_not_rounded_up_by_rounding_errors() -> None:
    assert np.count_nonzero(worst(np.arange(30.0), 0.1)) == 3


@given(
    st.lists(st.sampled_from([-math.inf, -1.0, 0.0, 0.5, 2.0, math.inf]), min_size=1, max_size=9),
    st.floats(0.01, 1),
)
def test_all_are_distributions(values: list[float], parameter: float) -> None:
    for found in (by_rank(np.array(values), parameter), worst(np.array(values), parameter)):
        assert found.sum() == pytest.approx(1.0)
        assert (found >= 0).all()


@pytest.mark.parametrize("mode", CURRICULA)
def test_a_task_never_seen_is_visited_first(mode: str) -> None:
    for seed in range(5):
        sampler = TaskSampler(TASKS, mode, seed)
        seen: list[int] = []
        for _ in TASKS:
            assert sampler.probabilities[seen].sum() == 0
            seen.append(sampler.next())
            sampler.update(seen[-1], float(seed))
        assert sorted(seen) == list(range(len(TASKS)))
    assert len({tuple(TaskSampler(TASKS, mode, seed).next() for _ in range(3)) for seed in range(9)}) > 1


def visited(sampler: TaskSampler, returns: list[float]) -> None:
    """Hand out every task once and finish it."""
    for _ in returns:
        task = sampler.next()
        sampler.update(task, returns[task])


def test_plr_follows_the_regret_against_the_running_best() -> None:
    sampler = TaskSampler(TASKS, "plr", seed=0, temperature=0.5, staleness=0.0)
    visited(sampler, [0.0] * 5)
    np.testing.assert_allclose(sampler.probabilities, [0.2] * 5)
    for task, returned in ((0, 10.0), (1, 100.0), (1, 99.0), (0, 7.0), (3, -2.0), (4, 5.0)):
        sampler.update(task, returned)
    regrets = [3.0, 1.0, 0.0, 2.0, 0.0]
    np.testing.assert_allclose(sampler.probabilities, by_rank(np.array(regrets), 0.5))
    sampler.update(0, 10.0)
    assert sampler.probabilities.argmax() == 3


def test_cvar_draws_among_the_tasks_with_the_lowest_mean() -> None:
    sampler = TaskSampler(TASKS, "cvar", seed=0, alpha=0.4, staleness=0.0)
    visited(sampler, [4.0, 1.0, 3.0, 0.0, 2.0])
    np.testing.assert_allclose(sampler.probabilities, [0, 0.5, 0, 0.5, 0])
    sampler.update(3, 10.0)
    np.testing.assert_allclose(sampler.probabilities, [0, 0.5, 0, 0, 0.5])
    counts = np.bincount([sampler.next() for _ in range(2000)], minlength=5)
    assert counts[[0, 2, 3]].sum() == 0
    assert abs(counts[1] - 1000) < 120


@pytest.mark.parametrize("mode", CURRICULA)
def test_staleness_is_mixed_in(mode: str) -> None:
    fresh, mixed = (TaskSampler(TASKS, mode, 0, staleness=rho) for rho in (0.0, 0.3))
    for sampler in (fresh, mixed):
        visited(sampler, [4.0, 1.0, 3.0, 0.0, 2.0])
    assert mixed.curriculum is not None
    last = np.array(mixed.curriculum.get_state()["last"])
    np.testing.assert_allclose(
        mixed.probabilities, 0.7 * fresh.probabilities + 0.3 * (5 - last) / (5 - last).sum()
    )


@pytest.mark.parametrize("mode", CURRICULA)
def test_an_episode_in_play_is_urgent_until_it_ends(mode: str) -> None:
    sampler = TaskSampler(TASKS, mode, 0, staleness=0.0)
    visited(sampler, [1.0] * 5)
    running = TaskSampler(TASKS, mode, 0, staleness=0.0)
    for _ in TASKS:
        last = running.next()
        if _ is not TASKS[-1]:
            running.update(last, 1.0)
    assert running.probabilities.argmax() == last
    running.update(last, 1.0)
    np.testing.assert_allclose(running.probabilities, sampler.probabilities)


def test_draws_follow_the_distribution_and_the_seed() -> None:
    def drawn(seed: int) -> list[int]:
        sampler = TaskSampler(TASKS, "plr", seed, temperature=1.0, staleness=0.0)
        visited(sampler, [0.0] * 5)
        for task in range(5):
            sampler.update(task, -float(task))
        return [sampler.next() for _ in range(4000)]

    assert drawn(0) == drawn(0) != drawn(1)
    expected = np.array([1 / 5, 1 / 4, 1 / 3, 1 / 2, 1]) / (137 / 60)
    np.testing.assert_allclose(np.bincount(drawn(0)) / 4000, expected, atol=0.03)


@pytest.mark.parametrize("mode", CURRICULA)
def test_a_restored_curriculum_continues_exactly(mode: str) -> None:
    one = TaskSampler(TASKS, mode, seed=3)
    rng = np.random.default_rng(0)
    for _ in range(3):
        one.next()
    one.update(0, -5.0)
    other = TaskSampler(TASKS, mode, seed=99)
    other.set_state(json.loads(json.dumps(one.get_state(), allow_nan=False)))
    for _ in range(100):
        np.testing.assert_array_equal(one.probabilities, other.probabilities)
        task, returned = one.next(), float(rng.normal())
        assert other.next() == task
        one.update(task, returned)
        other.update(task, returned)
    assert one.get_state() == other.get_state()


@pytest.mark.parametrize("last", [[1, -1, 2, 0, 0], [1, 3, 2, 0, 0], [1, 2]])
def test_a_state_that_no_curriculum_can_have_is_refused(last: list[int]) -> None:
    """Draws before the first one or after the latest, or of another number of tasks."""
    sampler = TaskSampler(TASKS, "cvar", seed=3)
    before = sampler.get_state()
    state = {**before, "curriculum": {**before["curriculum"], "drawn": 2, "last": last}}
    with pytest.raises(ValueError, match="not one of 5 tasks"):
        sampler.set_state(state)


def test_seeding_anew_forgets() -> None:
    sampler = TaskSampler(TASKS, "cvar", seed=3)
    first = [sampler.next() for _ in range(20)]
    sampler.update(first[0], 1.0)
    sampler.reseed(3)
    assert [sampler.next() for _ in range(20)] == first


@pytest.mark.parametrize(
    ("mode", "options", "says"),
    [
        ("plr", {"alpha": 0.1}, "sampler 'plr': .*alpha"),
        ("uniform", {"alpha": 0.1}, "sampler 'uniform': unknown option 'alpha'"),
    ],
)
def test_options_of_another_sampler_are_refused(mode: str, options: dict[str, float], says: str) -> None:
    with pytest.raises(UserError, match=says):
        TaskSampler(TASKS, mode, 0, **options)


def test_the_distribution_of_the_others_is_reported_too() -> None:
    uniform, turns = TaskSampler(TASKS), TaskSampler(TASKS, "round-robin")
    turns.next()
    assert uniform.probabilities.tolist() == [0.2] * 5
    assert turns.probabilities.tolist() == [0, 1, 0, 0, 0]


def test_an_adversary_prefers_tasks_by_how_far_they_are_below_the_mean() -> None:
    sampler = TaskSampler([{"g": float(i)} for i in range(4)], "adversarial", 0, strength=2.0, staleness=0.0)
    for task, value in enumerate((0.0, 1.0, 2.0, 3.0)):
        sampler.next()
        sampler.update(task, value)
    while min(sampler.curriculum._last) == 0:  # type: ignore[union-attr]
        sampler.next()
    z = np.arange(4) / np.std(np.arange(4))
    expected = np.exp(-2 * z) / np.exp(-2 * z).sum()
    np.testing.assert_allclose(sampler.probabilities, expected)
    for task in range(4):
        sampler.update(task, 1000.0 * sampler.mean_return[task])
    assert np.argmax(sampler.probabilities) == 0


def test_an_adversary_without_differences_is_uniform() -> None:
    assert tilted(np.full(5, 7.0), 3.0).tolist() == [0.2] * 5
    assert tilted(np.full(4, np.nan), 3.0).tolist() == [0.25] * 4
    unknown = tilted(np.array([1.0, np.nan, 3.0]), 1.0)
    assert unknown[1] == pytest.approx(math.e * unknown[0])
    assert unknown[0] == pytest.approx(math.e**2 * unknown[2])
