"""Numbers of tasks reach their rows, and gradients of rows add up to those of tasks."""

import pytest
import torch

from hyperrl.nets.fused import ONE_EACH, Rows
from hyperrl.nets.fused.rows import FEW, WIDE

INDEX = torch.tensor([2, 0, 2, 1])
CODES = torch.arange(12.0).view(4, 3)


def test_rows_get_the_numbers_of_their_tasks() -> None:
    codes = torch.tensor([[1.0], [2.0], [3.0]])
    rows = Rows.of(INDEX, 3)
    torch.testing.assert_close(rows.spread(codes).flatten(), torch.tensor([3.0, 1.0, 3.0, 2.0]))
    torch.testing.assert_close(rows.spread_layer(codes[None])[0], rows.spread(codes))
    torch.testing.assert_close(rows[1:3].spread(codes).flatten(), torch.tensor([1.0, 3.0]))
    assert ONE_EACH.spread(codes) is codes


def test_gradients_add_up() -> None:
    """A task may be without a row."""
    expected = torch.stack([CODES[1], CODES[3], CODES[0] + CODES[2], torch.zeros(3)])
    rows, out = Rows.of(INDEX, 4), torch.empty(1, 4, 3)
    torch.testing.assert_close(rows.collect(CODES, 4), expected)
    rows.collect_layer(CODES[None], out)
    torch.testing.assert_close(out[0], expected)
    torch.testing.assert_close(ONE_EACH.collect(CODES, 4), CODES)
    torch.testing.assert_close(ONE_EACH.collect(CODES, 1), CODES.sum(dim=0, keepdim=True))


@pytest.mark.parametrize(("tasks", "few"), [(FEW, True), (FEW + 1, False)])
def test_few_tasks_are_added_up_by_a_product(tasks: int, few: bool) -> None:
    assert Rows.of(INDEX, tasks).few is few
    assert not Rows.of(None, 1).few


def test_only_many_numbers_of_few_tasks_go_layer_by_layer() -> None:
    assert Rows.of(INDEX, 3).by_layer(WIDE)
    assert not Rows.of(INDEX, 3).by_layer(WIDE - 1)
    assert not Rows.of(INDEX, FEW + 1).by_layer(WIDE)
