"""A table of outputs."""

import torch

from hyperrl.nets.generators.table import TableGenerator


def test_outputs_are_rows_or_parts_of_several() -> None:
    table, rows = TableGenerator(3, (2, 4)), torch.randn(3, 6)
    table.set_rows(rows)
    torch.testing.assert_close(table(torch.eye(3)).values(), rows)
    mixed = table(torch.tensor([[0.5, 0.0, 0.5]])).values()
    torch.testing.assert_close(mixed[0], (rows[0] + rows[2]) / 2)
    assert sum(parameter.numel() for parameter in table.parameters()) == 18


def test_no_gradient_reaches_other_rows() -> None:
    table = TableGenerator(3, (4,))
    table(torch.eye(3)[[1]]).values().sum().backward()
    (gradient,) = [parameter.grad for parameter in table.parameters()]
    assert gradient is not None
    assert gradient.view(3, 4).sum(dim=1).tolist() == [0, 4, 0]
