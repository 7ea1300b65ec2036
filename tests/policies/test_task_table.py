"""A context is stored once, and forgotten where no transition has it any more."""

import numpy as np

from hyperrl.policies.task_table import FIRST_TASKS, LaterContexts, PresentContexts, TaskTable


def contexts(*values: float) -> np.ndarray:
    return np.array([[value, -value] for value in values], np.float32)


def test_equal_contexts_have_one_number() -> None:
    table = TaskTable((2,), np.float32)
    assert table.number(contexts(3, 1, 3)).tolist() == [0, 1, 0]  # type: ignore[union-attr]
    assert table.number(contexts(1, 2)).tolist() == [1, 2]  # type: ignore[union-attr]
    assert table.number(contexts(np.nan, np.nan)).tolist() == [3, 3]  # type: ignore[union-attr]
    assert table.count == 4
    np.testing.assert_array_equal(table.contexts[:4], contexts(3, 1, 2, np.nan))


def test_a_full_table_numbers_what_it_has_alone() -> None:
    table = TaskTable((2,), np.float32)
    table.number(contexts(*range(FIRST_TASKS)))
    assert table.full
    assert table.number(contexts(FIRST_TASKS)) is None
    assert table.number(contexts(5)).tolist() == [5]  # type: ignore[union-attr]
    table.keep(np.array([5, 7], np.int32), 4)
    assert table.number(contexts(7, 9)).tolist() == [1, 2]  # type: ignore[union-attr]
    assert len(table.contexts) == 4


def test_numbers_of_next_observations_are_stored_from_the_first_that_differs() -> None:
    table = TaskTable((2,), np.float32)
    present = PresentContexts(table, np.zeros((3, 2), np.int32))
    later = present.later
    assert isinstance(later, LaterContexts)
    present[0], later[0] = contexts(1, 2), contexts(1, 2)
    assert not later.own
    assert later.nbytes == 0
    present[1], later[1] = contexts(1, 2), contexts(1, 4)
    assert later.own
    assert later.nbytes == present.nbytes == 6 * 4
    np.testing.assert_array_equal(later[1, np.array([0, 1])], contexts(1, 4))
    np.testing.assert_array_equal(present[1, np.array([0, 1])], contexts(1, 2))
    assert table.contexts[later.of(np.array([0, 3]))][:, 0].tolist() == [1, 4]


def test_contexts_that_nothing_refers_to_make_room() -> None:
    table = TaskTable((2,), np.float32)
    present = PresentContexts(table, np.zeros((2, 1), np.int32))
    for value in range(5 * FIRST_TASKS):
        present[value % 2] = contexts(value)
        later = value if value % 3 else value + 0.5
        present.later[value % 2] = contexts(later)
        np.testing.assert_array_equal(present[value % 2, np.array([0])], contexts(value))
        np.testing.assert_array_equal(present.later[value % 2, np.array([0])], contexts(later))
    assert len(table.contexts) == FIRST_TASKS
