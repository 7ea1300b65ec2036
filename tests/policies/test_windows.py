"""Transitions as rows, and the last ones of each environment."""

from typing import Any

import numpy as np
from gymnasium import spaces

from hyperrl.policies.windows import TransitionRows, Windows

CONTEXT = spaces.Box(-1, 1, (1,))


def test_a_row_is_the_observation_the_action_and_the_change() -> None:
    space = spaces.Dict(obs=spaces.Box(-9, 9, (2,)), goal=spaces.Box(-9, 9, (1, 2)), context=CONTEXT)
    rows: Any = TransitionRows(space, spaces.Box(np.array([0, -4], np.float32), np.array([1, 4], np.float32)))
    assert (rows.observed, rows.acted, rows.columns) == (4, 2, 10)
    before: dict[str, Any] = {
        "obs": np.ones((3, 2)),
        "goal": np.full((3, 1, 2), 2.0),
        "context": np.zeros((3, 1)),
    }
    after: dict[str, Any] = {**before, "obs": before["obs"] + [0.5, -1.0]}
    actions: Any = np.array([[0.0, 0.0], [0.5, 4.0], [1.0, -2.0]])
    found = rows.join(rows.observations(before), rows.actions(actions), rows.observations(after))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[:, 6:], np.tile([0.5, -1.0, 0.0, 0.0], (3, 1)))
    np.testing.assert_allclose(found[:, 4:6], np.array([[-1, 0], [0, 1], [1, -0.5]]))
    np.testing.assert_array_equal(rows.stored_actions(found[:, 4:6]), found[:, 4:6])


def test_choices_are_ones_among_zeros() -> None:
    rows = TransitionRows(spaces.Dict(obs=spaces.Box(-9, 9, (2,)), context=CONTEXT), spaces.Discrete(3))
    for choices in (np.array([2, 0]), np.array([[2], [0]])):
        assert rows.actions(choices).tolist() == [[0, 0, 1], [1, 0, 0]]


def test_the_oldest_transition_leaves_and_a_new_episode_has_none() -> None:
    windows = Windows(2, window=3, columns=1)
    for number in range(1, 5):
        windows.add(np.array([[number], [10 * number]], np.float32))
    assert windows.rows[0].tolist() == [[2, 1], [3, 1], [4, 1]]
    windows.clear(np.array([1]))
    assert not windows.rows[1].any()
    windows.add(np.array([[5], [50]], np.float32))
    assert windows.rows.tolist() == [[[3, 1], [4, 1], [5, 1]], [[0, 0], [0, 0], [50, 1]]]
