"""Observations say which rows are of the same task, and stay a dictionary to whoever does not ask."""

from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces

from hyperrl.nets import Rows
from hyperrl.policies.task_rows import TaskRows, can_know_tasks, known_tasks
from tests.policies.worlds import vector


def test_they_are_a_dictionary_that_knows_tasks() -> None:
    context = torch.tensor([[1.0], [2.0], [1.0]])
    rows = TaskRows({"context": context}, context[:2], Rows.of(torch.tensor([0, 1, 0]), 2))
    assert dict(rows) == {"context": context}
    assert known_tasks(rows) is rows
    assert known_tasks({"context": context}) is None
    torch.testing.assert_close(rows.rows.spread(rows.tasks), context)


@pytest.mark.parametrize(
    ("space", "known"),
    [
        (spaces.Dict(obs=vector(2), context=vector(1)), True),
        (spaces.Dict(obs=vector(2), context=spaces.Box(-1, 1, (2, 2), np.float32)), False),
        (spaces.Dict(obs=vector(2), context=spaces.Discrete(3)), False),
        (spaces.Dict(obs=vector(2)), False),
        (vector(2), False),
    ],
)
def test_which_observations_tell_their_task(space: spaces.Space[Any], known: bool) -> None:
    assert can_know_tasks(space) is known
