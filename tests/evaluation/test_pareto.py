"""Non-dominated points, their hypervolume and their knee."""

from typing import Any

import numpy as np
import pytest

pytest.importorskip("moocore")

from hyperrl.evaluation.pareto import hypervolume, knee, nondominated, reference_below

POINTS = np.array([[0.0, 5.0], [1.0, 4.9], [4.0, 4.0], [5.0, 0.0], [3.0, 3.0], [4.0, 4.0]])


def test_dominated_points_and_second_ones_are_left_out() -> None:
    assert nondominated(POINTS).tolist() == [True, True, True, True, False, False]


def test_hypervolume_of_two_and_three_objectives() -> None:
    assert hypervolume(np.array([[1.0, 3.0], [2.0, 1.0]]), np.zeros(2)) == 1 * 3 + 1 * 1
    assert hypervolume(np.array([[1.0, 3.0], [-1.0, 9.0]]), np.zeros(2)) == 3
    boxes = np.array([[2.0, 1.0, 1.0], [1.0, 2.0, 1.0], [1.0, 1.0, 2.0]])
    assert hypervolume(boxes, np.zeros(3)) == pytest.approx(1 + 3)
    drawn = np.random.default_rng(0).random((200_000, 3)) * 2
    within: Any = (drawn[:, None] <= boxes).all(axis=2)
    inside = within.any(axis=1).mean()
    assert hypervolume(boxes, np.zeros(3)) == pytest.approx(8 * inside, rel=0.02)


def test_the_knee_is_furthest_above_the_line_through_the_ends() -> None:
    front = POINTS[nondominated(POINTS)]
    assert front[knee(front)].tolist() == [4, 4]
    assert knee(front * [1000, 0.01] + [7, -3]) == knee(front)
    assert knee(np.array([[1.0, 2.0]])) == 0


def test_the_reference_is_below_all_points() -> None:
    assert reference_below(POINTS) == pytest.approx([-0.5, -0.5])
