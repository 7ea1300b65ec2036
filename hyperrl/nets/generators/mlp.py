"""Multilayer perceptrons as generators, and what is left of them without hidden layers."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from hyperrl.nets.generators.base import Generator, bending_layers


class MLPGenerator(Generator):
    """A multilayer perceptron.

    Args:
        descriptor_dim: Size of a descriptor.
        hidden: Sizes of the hidden layers; empty is a linear generator.
        blocks: Sizes of the blocks of outputs.
        activation: Elementwise activation after each hidden layer.
        head_norm: See :class:`~hyperrl.nets.generators.Generator`.
        separate_head: Likewise.
    """

    def __init__(
        self,
        descriptor_dim: int,
        hidden: Sequence[int],
        blocks: Sequence[int],
        activation: type[nn.Module] = nn.Tanh,
        head_norm: str | None = None,
        separate_head: bool = False,
    ) -> None:
        sizes = (descriptor_dim, *hidden)
        super().__init__(bending_layers(sizes), sizes[-1], blocks, head_norm, separate_head)
        self.activation = activation()

    def _features(self, descriptors: Tensor, body: Sequence[Tensor]) -> Tensor:
        h = descriptors
        for weight, bias in zip(body[::2], body[1::2], strict=True):
            h = self.activation(torch.addmm(bias, h, weight))
        return h


class LinearGenerator(MLPGenerator):
    """The head alone: outputs are linear in the descriptor, ``hidden`` and ``activation`` have no part."""

    def __init__(
        self,
        descriptor_dim: int,
        hidden: Sequence[int],
        blocks: Sequence[int],
        activation: type[nn.Module] = nn.Tanh,
        head_norm: str | None = None,
        separate_head: bool = False,
    ) -> None:
        super().__init__(descriptor_dim, (), blocks, activation, head_norm, separate_head)
