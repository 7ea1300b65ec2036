"""The walls and their gaps."""

import numpy as np
import pytest

from hyperrl.errors import UserError
from hyperrl.tasks.dynamics import WallGap, WallGapEnv

LEFT, RIGHT, UP, DOWN = range(4)


def test_a_move_is_masked_where_it_changes_nothing() -> None:
    """On every square of every task, by the moves themselves."""
    dynamics, squares = WallGap(), [(x, y) for x in range(9) for y in range(7)]
    for near, far in ((0, 8), (4, 4), (7, 2)):
        context = {"near": np.array(float(near)), "far": np.array(float(far))}
        free = [(x, y) for x, y in squares if {2: near, 4: far}.get(y, x) == x]
        state = np.array(free, np.float64)
        moved = [dynamics.step(state, np.full(len(free), move), context)[0] != state for move in range(4)]
        np.testing.assert_array_equal(
            dynamics.action_masks(state, context), np.stack([each.any(axis=1) for each in moved], axis=1)
        )


def test_the_shortest_way_leads_through_both_gaps() -> None:
    env = WallGapEnv()
    env.near, env.far = 1.0, 6.0
    observation, _ = env.reset(options={"column": 3})
    np.testing.assert_array_equal(observation, np.array([-0.25, -1.0], np.float32))
    way = [UP, LEFT, LEFT, UP, UP, RIGHT, RIGHT, RIGHT, RIGHT, RIGHT, UP, UP, UP]
    for number, move in enumerate(way, start=1):
        assert env.action_masks()[move]
        observation, reward, terminated, truncated, _ = env.step(move)
        assert (reward, terminated, truncated) == (-1.0, number == len(way), False)
    np.testing.assert_array_equal(observation, np.array([0.5, 1.0], np.float32))


def test_starts_are_all_columns_of_the_lowest_row() -> None:
    dynamics, rng = WallGap(), np.random.default_rng(0)
    starts = {tuple(dynamics.start(rng, None).tolist()) for _ in range(200)}
    assert starts == {(column, 0) for column in range(9)}
    with pytest.raises(UserError, match=r"reset option 'column' is 9; a number in \[0, 8\] is allowed"):
        dynamics.start(rng, {"column": 9})
