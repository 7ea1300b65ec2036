"""Observations say which rows are of the same task, and stay a dictionary to whoever does not ask."""

import torch

from hyperrl.nets import Rows
from hyperrl.policies.task_rows import TaskRows, known_tasks


def test_they_are_a_dictionary_that_knows_tasks() -> None:
    context = torch.tensor([[1.0], [2.0], [1.0]])
    rows = TaskRows({"context": context}, context[:2], Rows.of(torch.tensor([0, 1, 0]), 2))
    assert dict(rows) == {"context": context}
    assert known_tasks(rows) is rows
    assert known_tasks({"context": context}) is None
    torch.testing.assert_close(rows.rows.spread(rows.tasks), context)
