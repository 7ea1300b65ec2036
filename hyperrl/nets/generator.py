"""The network that turns descriptors into the numbers a strategy needs."""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

from hyperrl.nets.flat import Flat

SPREAD = 2.0
"""Standard deviation of the hidden units' inputs at the start, for descriptors of size 1.

Units that bend within the range of the descriptors let weights follow the context freely; units that are
nearly linear there would make them proportional to it, within the range and without end beyond it.
"""


class Generator(nn.Module):
    """A multilayer perceptron, its last layer linear.

    Args:
        descriptor_dim: Size of a descriptor.
        hidden: Sizes of the hidden layers; empty is a linear generator.
        outputs: Size of the output.
        activation: Elementwise activation after each hidden layer.
    """

    def __init__(
        self, descriptor_dim: int, hidden: Sequence[int], outputs: int, activation: type[nn.Module]
    ) -> None:
        super().__init__()
        self.activation = activation()
        sizes = (descriptor_dim, *hidden)
        tensors = []
        for size, following in pairwise(sizes):
            weight = torch.randn(size, following) * (SPREAD / math.sqrt(size))
            tensors += [weight, torch.empty(following).uniform_(-SPREAD, SPREAD)]
        self.features_dim = sizes[-1]
        self.layers = Flat([*tensors, torch.zeros(sizes[-1], outputs), torch.zeros(outputs)])

    def forward(self, descriptors: Float[Tensor, "task descriptor"]) -> Float[Tensor, "task outputs"]:
        """The outputs of each descriptor."""
        *hidden, weight, bias = self.layers()
        return torch.addmm(bias, self._features(descriptors, hidden), weight)

    def features(self, descriptors: Float[Tensor, "task descriptor"]) -> Float[Tensor, "task features"]:
        """What the last layer sees."""
        return self._features(descriptors, self.layers()[:-2])

    def _features(self, descriptors: Tensor, hidden: Sequence[Tensor]) -> Tensor:
        h = descriptors
        for weight, bias in zip(hidden[::2], hidden[1::2], strict=True):
            h = self.activation(torch.addmm(bias, h, weight))
        return h

    @torch.no_grad()
    def set_head(self, weight: Float[Tensor, "features outputs"], bias: Float[Tensor, " outputs"]) -> None:
        """Sets the last layer."""
        *_, head_weight, head_bias = self.layers()
        head_weight.copy_(weight)
        head_bias.copy_(bias)
