"""Sources of the numbers generated for tasks: a generator with a backward pass by hand, or a tensor."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor

from hyperrl.nets.flat import Place
from hyperrl.nets.fused.activations import FusedActivation
from hyperrl.nets.fused.pieces import Pieces
from hyperrl.nets.layers import pairs


class CodeSource(ABC):
    """Computes the numbers generated for each task, (task, codes), from some tensors."""

    @abstractmethod
    def forward(self, *tensors: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """The numbers, and what :meth:`backward` needs."""

    @abstractmethod
    def backward(
        self, gradient: Tensor, tensors: Sequence[Tensor], saved: Sequence[Tensor], needed: Sequence[bool]
    ) -> list[Tensor | None]:
        """The gradients of the tensors, where they are needed."""


class PrecomputedCodes(CodeSource):
    """The numbers are computed already: they are the one tensor."""

    def forward(self, *tensors: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """See :meth:`CodeSource.forward`."""
        return tensors[0].contiguous(), ()

    def backward(
        self, gradient: Tensor, tensors: Sequence[Tensor], saved: Sequence[Tensor], needed: Sequence[bool]
    ) -> list[Tensor | None]:
        """See :meth:`CodeSource.backward`."""
        return [gradient]


class FusedGenerator(CodeSource):
    """A multilayer perceptron that ends in the heads; its tensors are its inputs and its flat parameter.

    Args:
        places: Where each layer's weight (in, out) and then its bias lie in the flat parameter.
        activation: Of the hidden layers.
    """

    def __init__(self, places: Sequence[Place], activation: FusedActivation) -> None:
        self.pieces, self.activation = Pieces(places), activation

    def forward(self, *tensors: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """See :meth:`CodeSource.forward`."""
        h, flat = tensors
        saved = []
        *body, (weight, bias) = pairs(self.pieces.of(flat))
        for own_weight, own_bias in body:
            h = self.activation.forward(torch.addmm(own_bias, h, own_weight))
            saved.append(h)
        return torch.addmm(bias, h, weight), tuple(saved)

    def backward(
        self, gradient: Tensor, tensors: Sequence[Tensor], saved: Sequence[Tensor], needed: Sequence[bool]
    ) -> list[Tensor | None]:
        """See :meth:`CodeSource.backward`."""
        inputs, flat = tensors
        of_inputs, of_flat = needed
        room = torch.empty_like(flat) if of_flat else None
        weights = self.pieces.of(flat)[::2]
        rooms = [] if room is None else list(pairs(self.pieces.cut(room)))
        below: Tensor | None = gradient
        for number in reversed(range(len(weights))):
            assert below is not None
            h = saved[number - 1] if number else inputs
            if rooms:
                of_weight, of_bias = rooms[number]
                torch.mm(h.t(), below, out=of_weight)
                torch.sum(below, dim=0, out=of_bias)
            below = below @ weights[number].t() if number or of_inputs else None
            if number and below is not None:
                self.activation.backward(below, h, below)
        return [below, room]
