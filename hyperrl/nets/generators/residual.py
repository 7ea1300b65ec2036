"""A residual multilayer perceptron as generator."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from hyperrl.nets.generators.base import Generator, bending_layers, plain_layer


class ResidualGenerator(Generator):
    """A hidden layer, then residual blocks ``h + V act(W norm(h))`` (He et al., CVPR 2016).

    norm is layer normalization without parameters.

    ``hidden`` are equal sizes, the first layer's and one for each block.
    """

    def _body(self, descriptor_dim: int, hidden: Sequence[int]) -> tuple[list[Tensor], int]:
        width = hidden[0]
        body = bending_layers((descriptor_dim, width))
        gain = 1 / math.sqrt(max(len(hidden) - 1, 1))
        for _ in hidden[1:]:
            body += [*plain_layer(width, width), *plain_layer(width, width, gain)]
        return body, width

    def _features(self, descriptors: Tensor, body: Sequence[Tensor]) -> Tensor:
        weight, bias, *rest = body
        h: Tensor = self.activation(torch.addmm(bias, descriptors, weight))
        for into, into_bias, out, out_bias in zip(*(rest[start::4] for start in range(4)), strict=True):
            normal = functional.layer_norm(h, h.shape[-1:])
            h = h + torch.addmm(out_bias, self.activation(torch.addmm(into_bias, normal, into)), out)
        return h
