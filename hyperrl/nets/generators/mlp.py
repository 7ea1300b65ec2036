"""Multilayer perceptrons and linear maps as generators."""

from collections.abc import Sequence
from functools import cached_property

import torch
from torch import Tensor

from hyperrl.nets.fused import FUSED_ACTIVATIONS, FusedGenerator
from hyperrl.nets.generators.base import Generator, bending_layers
from hyperrl.nets.layers import pairs


class MLPGenerator(Generator):
    """A multilayer perceptron (Ha et al., ICLR 2017); with empty ``hidden`` a linear generator."""

    def _body(self, descriptor_dim: int, hidden: Sequence[int]) -> tuple[list[Tensor], int]:
        sizes = (descriptor_dim, *hidden)
        return bending_layers(sizes), sizes[-1]

    @cached_property
    def fused(self) -> FusedGenerator | None:
        """See :attr:`Generator.fused`."""
        activation = FUSED_ACTIVATIONS.get(type(self.activation))
        if self.head is not None or self.layers is None or activation is None:
            return None
        return FusedGenerator(self.layers.places, activation)

    def _features(self, descriptors: Tensor, body: Sequence[Tensor]) -> Tensor:
        h = descriptors
        for weight, bias in pairs(body):
            h = self.activation(torch.addmm(bias, h, weight))
        return h


class LinearGenerator(MLPGenerator):
    """The head alone: outputs are linear in the descriptor; ``hidden`` and ``activation`` are not used."""

    def _body(self, descriptor_dim: int, hidden: Sequence[int]) -> tuple[list[Tensor], int]:
        return super()._body(descriptor_dim, ())
