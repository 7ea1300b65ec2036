"""A recurrent network that generates one layer after the other."""

from collections.abc import Sequence

import torch
from torch import Tensor

from hyperrl.nets.generators.base import Generator, bending_layers, plain_layer


class RecurrentGenerator(Generator):
    """A gated recurrent unit (Cho et al., EMNLP 2014) over the layers, first to last.

    It starts at a hidden layer of the descriptor and sees it again at each step, with a learned embedding of
    the layer; every layer's head sees the state at its step. ``hidden`` are equal widths, one for each of the
    units stacked; the activation is the first layer's.
    """

    def _body(self, descriptor_dim: int, hidden: Sequence[int]) -> tuple[list[Tensor], int]:
        width = hidden[0]
        body = [torch.randn(len(self.sections), width), *bending_layers((descriptor_dim, width))]
        for _ in hidden:
            body += [*plain_layer(width, 3 * width), *plain_layer(width, 3 * width)]
        return body, width

    def _features(self, descriptors: Tensor, body: Sequence[Tensor]) -> Tensor:
        embeddings, weight, bias, *rest = body
        first: Tensor = self.activation(torch.addmm(bias, descriptors, weight))
        h = first.unsqueeze(1) + embeddings
        for start in range(0, len(rest), 4):
            h = _unit(h, first, rest[start : start + 4])
        return h


def _unit(inputs: Tensor, state: Tensor, tensors: Sequence[Tensor]) -> Tensor:
    """States (G, L, F) of a gated recurrent unit from ``state`` (G, F) on, given ``inputs`` (G, L, F)."""
    weight, bias, state_weight, state_bias = tensors
    states = []
    for given in (inputs @ weight + bias).unbind(1):
        own = torch.addmm(state_bias, state, state_weight)
        reset, update, new = given.chunk(3, dim=1)
        own_reset, own_update, own_new = own.chunk(3, dim=1)
        candidate = torch.tanh(new + torch.sigmoid(reset + own_reset) * own_new)
        state = candidate.lerp(state, torch.sigmoid(update + own_update))
        states.append(state)
    return torch.stack(states, dim=1)
