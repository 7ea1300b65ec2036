"""How the numbers of tasks reach their rows, and how gradients of rows add up to those of tasks."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

FEW = 16
"""Tasks up to which their rows are added up by a product, and one by one above."""

WIDE = 384
"""Numbers of a task from which those of few tasks are spread and collected layer by layer.

They then stay in the processor's cache; below, the steps of one layer cost more than this saves.
"""


class Rows:
    """Which task each row of a batch belongs to.

    Args:
        index: The task of each row, (row,). None: row i is task i, or all rows are the one task.
        members: (task, row), one where a row belongs to a task and zero elsewhere; None of many tasks.

    Attributes:
        few: Whether there are so few tasks that their rows are added up by a product.
    """

    __slots__ = ("few", "index", "members")

    def __init__(self, index: Tensor | None, members: Tensor | None = None) -> None:
        self.index, self.members, self.few = index, members, members is not None

    @classmethod
    def of(cls, index: Int[Tensor, " row"] | None, tasks: int) -> "Rows":
        """The rows of a batch of so many tasks."""
        if index is None or tasks > FEW:
            return cls(index)
        numbers = torch.arange(tasks, device=index.device).unsqueeze(1)
        return cls(index, (numbers == index).to(torch.get_default_dtype()))

    def __getitem__(self, own: slice) -> "Rows":
        """Some of the rows."""
        members = None if self.members is None else self.members[:, own]
        return Rows(None if self.index is None else self.index[own], members)

    def by_layer(self, codes: int) -> bool:
        """Whether a task's numbers, so many, are spread and collected layer by layer."""
        return self.few and codes >= WIDE

    def spread(self, codes: Float[Tensor, "task codes"]) -> Float[Tensor, "row codes"]:
        """Each row's numbers, of all layers; one row where all rows share one task."""
        return codes if self.index is None else codes.index_select(0, self.index)

    def spread_layer(self, codes: Float[Tensor, "network task codes"]) -> Float[Tensor, "network row codes"]:
        """Each row's numbers, of one layer and few tasks."""
        assert self.index is not None
        return codes.index_select(1, self.index)

    def collect(self, of_rows: Float[Tensor, "row codes"], tasks: int) -> Float[Tensor, "task codes"]:
        """Adds up the gradients of rows by task, those of all layers."""
        if self.members is not None:
            return self.members.to(of_rows.dtype) @ of_rows
        if self.index is not None:
            return of_rows.new_zeros(tasks, of_rows.shape[1]).index_add_(0, self.index, of_rows)
        return of_rows if tasks == len(of_rows) else of_rows.sum(dim=0, keepdim=True)

    def collect_layer(self, of_rows: Float[Tensor, "network row codes"], out: Tensor) -> None:
        """Adds up the gradients of one layer's rows by few tasks, into ``out`` (network, task, codes)."""
        assert self.members is not None
        members = self.members.to(of_rows.dtype).expand(len(of_rows), *self.members.shape)
        torch.bmm(members, of_rows, out=out)


ONE_EACH = Rows(None)
"""Row i is task i, or all rows are the one task."""
