"""The search finds planted weaknesses, and reports them by starts that it did not see."""

from typing import Any

import numpy as np
import pytest

from hyperrl.evaluation.search import APART, SEARCH_SEEDS, find_worst
from hyperrl.evaluation.worst_tasks import FOUND, WorstRequest
from hyperrl.evaluation.zero_shot import evaluate_tasks
from hyperrl.tasks import Family
from tests.evaluation.conftest import Observation, balance, drive, rest

ODE = Family.load("ode")


def weak(observation: Observation) -> Any:
    """The oracle's actions, but for c0 from 6 to 8, where it rests."""
    c0 = 5 * observation["context"][:, :1]
    return np.where((c0 > 6) & (c0 < 8), rest(observation), drive(observation))


def test_the_search_finds_where_a_policy_falls_short_of_the_oracle() -> None:
    found = find_worst(weak, ODE, WorstRequest("regret", "declared", 200, 1))
    worst = found.found[0].result
    assert 6 < worst.context["c0"] < 8
    assert worst.oracle is not None
    assert worst.oracle - worst.mean > 100
    by_return = find_worst(weak, ODE, WorstRequest("return", "declared", 200, 1))
    powerless = [task.result for task in by_return.found if abs(task.result.context["c0"]) < 0.5]
    assert powerless[0].of_oracle == pytest.approx(1)  # no policy can do better there


def test_the_search_keeps_to_its_ranges_and_its_budget() -> None:
    played: list[int] = []

    def act(observation: Observation) -> Any:
        played.append(len(observation["obs"]))
        return weak(observation)

    found = find_worst(act, ODE, WorstRequest("regret", "training", 128, 3))
    assert all(task.context.inside for task in found.candidates)  # type: ignore[attr-defined]
    assert len(found.candidates) == 96  # three quarters, an episode each
    assert sum(played) <= 200 * (128 + FOUND * 3)
    assert all(len(task.result.returns) == 3 for task in found.found)
    assert all(task.result.oracle - task.result.mean < 1 for task in found.found)  # type: ignore[operator]


def test_found_tasks_are_apart_and_the_search_repeats() -> None:
    request = WorstRequest("return", "declared", 150, 2)
    first, again = (find_worst(rest, ODE, request, seed=3) for _ in range(2))
    values = sorted(task.result.context["c0"] for task in first.found)
    assert len(values) == FOUND
    assert np.diff(values).min() > APART * 20
    assert first == again


def test_found_tasks_are_played_on_starts_of_an_evaluation() -> None:
    cartpole = Family.load("cartpole")
    found = find_worst(balance, cartpole, WorstRequest("return", "training", 100, 4), seed=5)
    contexts = [task.result.context for task in found.found]
    own = evaluate_tasks(balance, cartpole, contexts, episodes=4, seed=5)
    assert [task.result.returns for task in found.found] == [result.returns for result in own]
    assert 5 not in SEARCH_SEEDS
    means = [task.mean for task in found.candidates]
    assert np.mean([task.searched for task in found.found]) < np.median(means)


def test_values_of_discrete_features_are_searched_alone() -> None:
    signs = Family.load("double-integrator")
    found = find_worst(
        lambda observation: np.zeros((len(observation["obs"]), 2), np.float32), signs,
        WorstRequest("return", "declared", 100, 1),
    )  # fmt: skip
    assert {task.context["action_sign"] for task in found.candidates} == {-1.0, 1.0}


def test_a_policy_that_earns_all_that_there_is_does_not_end_the_search() -> None:
    found = find_worst(drive, ODE, WorstRequest("regret", "training", 128, 1))
    assert len(found.candidates) == 96


def test_progress_reaches_its_end_in_rising_order() -> None:
    calls: list[tuple[int, int]] = []
    request = WorstRequest("return", "training", 100, 1)
    find_worst(rest, ODE, request, progress=lambda done, total: calls.append((done, total)))
    assert [done for done, _ in calls] == sorted(done for done, _ in calls)
    assert {total for _, total in calls} == {200 * request.episodes}
