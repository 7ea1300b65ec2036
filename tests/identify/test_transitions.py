"""Recordings, checked against the family's spaces."""

from typing import Any

import numpy as np
import pytest

from hyperrl.identify.transitions import Log, known_names, read_transitions
from hyperrl.tasks import Family
from tests.runs import message

PENDULUM, CARTPOLE = Family.load("pendulum"), Family.load("cartpole")


def arrays(rows: int = 10, **changes: Any) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    return {"obs": rng.normal(size=(rows, 3)), "action": rng.uniform(-2, 2, (rows, 1)), **changes}


def refused(family: Family = PENDULUM, **changes: Any) -> str:
    content = {name: each for name, each in arrays(**changes).items() if each is not None}
    return message(read_transitions, Log("data 'x.npz'", content), family)


def test_consecutive_rows_make_transitions() -> None:
    content = arrays()
    found = read_transitions(Log("data", content), PENDULUM)
    assert (len(found), found.episodes, found.rewards) == (9, 1, None)
    np.testing.assert_array_equal(found.observations["obs"], content["obs"][:-1])
    np.testing.assert_array_equal(found.next_observations["obs"], content["obs"][1:])
    np.testing.assert_array_equal(found.actions, content["action"][:-1])


@pytest.mark.parametrize(
    "ends",
    [
        {"episode": np.array([0] * 4 + [7] * 6)},
        {"terminated": np.array([0, 0, 0, 1, 0, 0, 0, 0, 0, 0])},
        {"truncated": np.array([False] * 3 + [True] + [False] * 6)},
    ],
    ids=lambda ends: next(iter(ends)),
)
def test_no_transition_leads_from_one_episode_to_the_next(ends: dict[str, Any]) -> None:
    content = arrays(**ends, reward=np.arange(10.0))
    found = read_transitions(Log("data", content), PENDULUM)
    assert (len(found), found.episodes) == (8, 2)
    np.testing.assert_array_equal(found.observations["obs"], content["obs"][[0, 1, 2, 4, 5, 6, 7, 8]])
    np.testing.assert_array_equal(found.next_observations["obs"], content["obs"][[1, 2, 3, 5, 6, 7, 8, 9]])
    np.testing.assert_array_equal(found.rewards, [0, 1, 2, 4, 5, 6, 7, 8])


def test_next_observations_are_taken_as_they_are() -> None:
    after = np.random.default_rng(1).normal(size=(10, 3))
    found = read_transitions(Log("data", arrays(next_obs=after)), PENDULUM)
    assert len(found) == 10
    np.testing.assert_array_equal(found.next_observations["obs"], after)


def test_one_observation_more_than_actions_is_the_last_one() -> None:
    seen = np.random.default_rng(1).normal(size=(11, 3))
    found = read_transitions(Log("data", arrays(obs=seen)), PENDULUM)
    assert len(found) == 10
    np.testing.assert_array_equal(found.next_observations["obs"], seen[1:])


def test_actions_a_rounding_error_out_of_bounds_are_clipped() -> None:
    found = read_transitions(Log("data", arrays(action=np.full((10, 1), 2.00001))), PENDULUM)
    assert (found.actions == 2.0).all()


def test_choices_may_have_an_axis_of_their_own_or_none() -> None:
    for action in (np.arange(10) % 2, (np.arange(10) % 2)[:, None].astype(float)):
        found = read_transitions(Log("data", {"obs": np.zeros((10, 4)), "action": action}), CARTPOLE)
        assert found.actions.tolist() == [0, 1] * 4 + [0]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {"obs": None},
            "'obs' is missing: found action; allowed: obs, action (and next_obs, reward, episode",
        ),
        ({"action": None}, "'action' is missing: found obs"),
        ({"obs": np.zeros((10, 4))}, "'obs': found 4 in a row; allowed: 3 a row, (10, 3)"),
        ({"obs": np.zeros(10)}, "'obs': found the shape (10,); allowed: 3 a row"),
        ({"obs": np.zeros((10, 1, 3))}, "'obs': found the shape (10, 1, 3); allowed: 3 a row"),
        ({"obs": np.array([["a"] * 3] * 10)}, "'obs': found an array of <U1; allowed: numbers"),
        ({"obs": np.zeros((7, 3))}, "'obs': found 7 rows; allowed: 10, as 'action' has"),
        ({"reward": np.zeros(9)}, "'reward': found 9 rows; allowed: 10"),
        ({"reward": np.zeros((10, 2))}, "'reward': found 2 in a row; allowed: one number a row"),
        ({"terminated": np.full(10, 0.5)}, "row 0, terminated: found 0.5; allowed: 0 or 1"),
        ({"action": np.full((10, 1), 2.5)}, "row 0, action: found 2.5; allowed: -2 to 2, as the environment"),
        ({"rows": 1}, "found 0 transitions in 1 row; allowed: at least 5, two more than features"),
        ({"rows": 5}, "found 4 transitions in 5 rows; allowed: at least 5"),
        ({"rows": 0}, "found 0 transitions in 0 rows"),
    ],
)
def test_what_does_not_fit_is_refused(changes: dict[str, Any], says: str) -> None:
    assert says in refused(**changes)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_number_that_is_not_finite_is_named_by_row_and_entry(bad: float) -> None:
    seen = np.zeros((10, 3))
    seen[4, 1] = bad
    assert refused(obs=seen) == f"data 'x.npz': row 4, obs.1: found {bad:g}; allowed: finite numbers"


@pytest.mark.parametrize("bad", [2, -1, 0.5])
def test_a_choice_that_there_is_not_is_refused(bad: float) -> None:
    content = {"obs": np.zeros((10, 4)), "action": np.full(10, float(bad))}
    said = message(read_transitions, Log("data", content), CARTPOLE)
    assert f"row 0, action: found {bad:g}; allowed: whole numbers from 0 to 1" in said


def test_next_observations_of_some_parts_alone_are_refused() -> None:
    family = Family.load("point-reach")
    content = {
        "observation": np.zeros((9, 4)), "achieved_goal": np.zeros((9, 2)), "desired_goal": np.zeros((9, 2)),
        "action": np.zeros((9, 2)), "next_observation": np.zeros((9, 4)),
    }  # fmt: skip
    assert "'next_achieved_goal' is missing" in message(read_transitions, Log("data", content), family)
    del content["next_observation"]
    assert set(read_transitions(Log("data", content), family).next_observations) == {
        "observation", "achieved_goal", "desired_goal",
    }  # fmt: skip


def test_names_are_those_of_the_familys_observation() -> None:
    assert known_names(PENDULUM) == [
        "obs", "action", "next_obs", "reward", "terminated", "truncated", "episode",
    ]  # fmt: skip
