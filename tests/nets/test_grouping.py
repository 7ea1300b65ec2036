"""Distinct rows of a batch, and rows on their way to their task's weights and back."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from hyperrl.nets import group
from hyperrl.nets.grouping import SharedRows, layout_of


@given(st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)), min_size=1, max_size=40))
def test_group_finds_the_distinct_rows(rows: list[tuple[int, int]]) -> None:
    descriptors = torch.tensor(rows, dtype=torch.float32)
    distinct, index = group(descriptors)
    assert len(distinct) == len(set(rows))
    assert torch.equal(distinct[index], descriptors)


def test_group_survives_colliding_projections() -> None:
    # 1 * sqrt(1) + 0 * sqrt(2) + 0 * sqrt(3) + 0 * sqrt(4) = 1 = 0.5 * sqrt(4)
    descriptors = torch.tensor([[1.0, 0, 0, 0], [0, 0, 0, 0.5], [1.0, 0, 0, 0]])
    distinct, index = group(descriptors)
    assert len(distinct) == 2
    assert torch.equal(distinct[index], descriptors)


@pytest.mark.parametrize("shape", [(), (3,), (2, 3)])
@pytest.mark.parametrize("index", [None, torch.tensor([2, 0, 2, 2, 4])])
def test_rows_of_any_shape_come_back_in_their_order(index: Tensor | None, shape: tuple[int, ...]) -> None:
    x = torch.randn(5, *shape)
    layout = layout_of(5, index)
    entered = layout.enter(x)
    assert entered.shape == (5, 1 if index is None else 3, *shape)
    assert torch.equal(layout.leave(entered), x)
    for row, task in enumerate(range(5) if index is None else index.tolist()):
        assert (entered[task] == x[row]).flatten(1).all(dim=1).any() if shape else x[row] in entered[task]


def test_one_task_shares_its_rows() -> None:
    x = torch.randn(4, 2)
    layout = layout_of(1, None)
    assert isinstance(layout, SharedRows)
    assert layout.leave(layout.enter(x)) is x
