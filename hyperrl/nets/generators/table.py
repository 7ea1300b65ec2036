"""A table of outputs: one row for each of several networks, which share nothing."""

from collections.abc import Sequence
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor

from hyperrl.nets.flat import Flat
from hyperrl.nets.generators.base import Generator
from hyperrl.nets.outputs import Outputs


class TableGenerator(Generator):
    """Outputs that are learned directly, a row for each member; inputs say how much of each member there is.

    For an input of a 1 among zeros these are one member's outputs, and no gradient reaches the others.

    Args:
        members: How many.
        sections: Sizes of the sections of outputs.
    """

    def __init__(self, members: int, sections: Sequence[int]) -> None:
        self.members = members
        super().__init__(members, (), sections)
        self.layers = Flat([(members, sum(self.sections))])

    def _body(self, descriptor_dim: int, hidden: Sequence[int]) -> tuple[list[Tensor], int]:
        return [], descriptor_dim

    def _features(self, descriptors: Tensor, body: Sequence[Tensor]) -> Tensor:
        return descriptors

    def forward(self, inputs: Float[Tensor, "task inputs"]) -> Outputs:
        """The outputs of each task."""
        assert self.layers is not None
        (table,) = self.layers()
        return Outputs(inputs, table, self._nothing.to(table), self.sections)

    @cached_property
    def _nothing(self) -> Tensor:
        return torch.zeros(sum(self.sections))

    @torch.no_grad()
    def set_rows(self, rows: Float[Tensor, "member outputs"]) -> None:
        """Sets the outputs of each member."""
        assert self.layers is not None
        self.layers()[0].copy_(rows)
