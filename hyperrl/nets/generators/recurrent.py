"""A recurrent network that generates one layer after the other."""

from collections.abc import Sequence

import torch
from torch import Tensor

from hyperrl.nets.generators.base import Generator, bending_layers, plain_layer


class RecurrentGenerator(Generator):
    """A gated recurrent unit (Cho et al., EMNLP 2014) over the layers, first to last.

    Its first state is a hidden layer of the descriptor. Its input at each step is that hidden layer plus a
    learned embedding of the generated layer, whose features are the state after the step. ``hidden`` are
    equal widths, one for each of the stacked units; the activation is the hidden layer's.
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
    """States (G, L, F) of a gated recurrent unit from ``state`` (G, F) on, for ``inputs`` (G, L, F)."""
    weight, bias, state_weight, state_bias = tensors
    states = []
    for gates in (inputs @ weight + bias).unbind(1):
        reset, update, new = gates.chunk(3, dim=1)
        own_reset, own_update, own_new = torch.addmm(state_bias, state, state_weight).chunk(3, dim=1)
        candidate = torch.tanh(new + torch.sigmoid(reset + own_reset) * own_new)
        state = candidate.lerp(state, torch.sigmoid(update + own_update))
        states.append(state)
    return torch.stack(states, dim=1)
