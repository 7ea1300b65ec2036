"""Which rows of a batch belong to the same task, and how rows travel to their task's weights and back."""

from dataclasses import dataclass
from functools import cache

import torch
from jaxtyping import Float, Int
from torch import Tensor


def group(
    descriptors: Float[Tensor, "row descriptor"],
) -> tuple[Float[Tensor, "task descriptor"], Int[Tensor, " row"]]:
    """Finds the distinct rows of a batch of descriptors.

    ``torch.unique(dim=0)`` sorts whole rows, which takes as long as a small network's pass. Here each
    row is projected to one number and those are sorted; equality is then verified on the rows
    themselves, and a collision falls back to the exact sort.

    Returns:
        The G distinct descriptors, and for each row the number of its descriptor, 0 to G - 1.
    """
    if torch.equal(descriptors[:1].expand_as(descriptors), descriptors):
        return descriptors[:1], torch.zeros(len(descriptors), dtype=torch.long, device=descriptors.device)
    keys = descriptors.detach().double() @ _directions(descriptors.shape[1], descriptors.device)
    keys, index = torch.unique(keys, return_inverse=True)
    rows = torch.arange(len(index), device=index.device)
    representative = torch.empty_like(keys, dtype=torch.long).scatter_(0, index, rows)
    distinct = descriptors.index_select(0, representative)
    if torch.equal(distinct.index_select(0, index), descriptors):
        return distinct, index
    distinct, index = torch.unique(descriptors, dim=0, return_inverse=True)
    return distinct, index


@cache
def _directions(size: int, device: torch.device) -> Float[Tensor, " descriptor"]:
    return torch.arange(1, size + 1, dtype=torch.float64, device=device).sqrt()


class BatchLayout:
    """How the rows of a batch are laid out while they pass through generated layers.

    Rows have any shape; here they stay as they are.
    """

    def enter(self, x: Tensor) -> Tensor:
        """Rows (B, ...) into the layout."""
        return x

    def leave(self, y: Tensor) -> Tensor:
        """The layout back to rows (B, ...)."""
        return y


class SharedRows(BatchLayout):
    """Rows stay as they are: each row's product uses its own factors, or all rows share one task."""


class PerTask(BatchLayout):
    """One row a task: (B, ...) is (G, 1, ...)."""

    def enter(self, x: Tensor) -> Tensor:
        """(G, ...) to (G, 1, ...)."""
        return x.unsqueeze(1)

    def leave(self, y: Tensor) -> Tensor:
        """(G, 1, ...) to (G, ...)."""
        return y.squeeze(1)


@dataclass(frozen=True)
class Grouped(BatchLayout):
    """Rows gathered by task and padded to the largest group: (B, ...) is (G, M, ...)."""

    slot: Int[Tensor, " row"]
    tasks: int
    largest: int

    @classmethod
    def of(cls, index: Int[Tensor, " row"], tasks: int) -> "Grouped":
        """The layout for a row-to-task index in any order; tasks without a row are allowed."""
        ordered, order = torch.sort(index, stable=True)
        rows = torch.arange(len(index), device=index.device)
        place = rows - torch.searchsorted(ordered, ordered)
        largest = int(place.max()) + 1 if len(place) else 0
        slot = torch.empty_like(index).scatter_(0, order, torch.add(place, ordered, alpha=largest))
        return cls(slot, tasks, largest)

    def enter(self, x: Tensor) -> Tensor:
        """(B, ...) to (G, M, ...), zeros where a group has fewer than M rows."""
        padded = x.new_zeros(self.tasks * self.largest, *x.shape[1:])
        return padded.index_copy(0, self.slot, x).view(self.tasks, self.largest, *x.shape[1:])

    def leave(self, y: Tensor) -> Tensor:
        """(G, M, ...) to (B, ...)."""
        return y.flatten(0, 1).index_select(0, self.slot)


def layout_of(tasks: int, index: Int[Tensor, " row"] | None) -> BatchLayout:
    """The layout in which materialized weights are applied to the rows of a batch."""
    if tasks == 1:
        return SharedRows()
    return PerTask() if index is None else Grouped.of(index, tasks)
