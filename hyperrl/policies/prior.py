"""A prior function: a fixed random network whose values are added to those that are learned."""

from itertools import pairwise
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from hyperrl.nets import MLP
from hyperrl.nets.layers import HIDDEN_GAIN
from hyperrl.policies.sums import linear_layer


class PriorFunction(nn.Module):
    """A random network that never learns, of the same sizes as one that does.

    Osband et al., "Randomized Prior Functions for Deep Reinforcement Learning", NeurIPS 2018, section 3. Its
    last layer is generated from the index and the context by a linear hypernetwork, as in Li et al.,
    "HyperAgent", 2024: a sum over the index's numbers, each times a random function of the observation and
    the context. So it is zero for an index of zeros, and it has mean zero over all indices. Contexts are held
    within [-1, 1], and a missing feature counts as 0.

    Args:
        network: The network that learns.
        context_dim: Size D of a context.
        index_dim: Size I of an index.
        scale: Factor of its values.
    """

    head: Tensor

    def __init__(self, network: MLP, context_dim: int, index_dim: int, scale: float) -> None:
        super().__init__()
        self.context_dim, self.index_dim, self.outputs = context_dim, index_dim, network.out_features
        sizes = (network.in_features, *network.hidden)
        self.layers = nn.ModuleList(_Fixed(*pair) for pair in pairwise(sizes))
        self.activations = nn.ModuleList(type(activation)() for activation in network.activations)
        functions = index_dim * (1 + context_dim)
        drawn = torch.randn(sizes[-1] + 1, functions * self.outputs)
        self.register_buffer("head", drawn * (scale / (sizes[-1] * (1 + context_dim)) ** 0.5))

    def forward(
        self, x: Float[Tensor, "row inputs"], contexts: Float[Tensor, "row columns"]
    ) -> Float[Tensor, "row outputs"]:
        """The values of rows; ``contexts`` are contexts, then indices."""
        for layer, activation in zip(self.layers, self.activations, strict=True):
            x = activation(layer(x))
        functions = torch.addmm(self.head[-1], x, self.head[:-1]).view(len(x), -1, self.outputs)
        return torch.einsum("rfo,rf->ro", functions, self._factors(contexts))

    def _factors(self, contexts: Tensor) -> Tensor:
        """What each of the random functions is multiplied by, (row, functions)."""
        context, index = contexts[:, : self.context_dim], contexts[:, self.context_dim :]
        seen = torch.cat([index.new_ones(len(index), 1), context.nan_to_num(0.0).clamp(-1.0, 1.0)], dim=1)
        return torch.einsum("ri,rc->ric", index, seen).flatten(1)

    def specialize(self, contexts: Float[Tensor, " columns"]) -> nn.Sequential:
        """The plain network of one context and index."""
        functions = self.head.view(len(self.head), -1, self.outputs)
        head = torch.einsum("hfo,f->ho", functions, self._factors(contexts[None])[0])
        modules: list[nn.Module] = []
        for layer, activation in zip(self.layers, self.activations, strict=True):
            fixed: Any = layer
            modules += [linear_layer(fixed.weight, fixed.bias), activation]
        return nn.Sequential(*modules, linear_layer(head[:-1].t(), head[-1]))


class _Fixed(nn.Module):
    """A linear layer whose weights are no parameters, as nothing learns them."""

    weight: Tensor
    bias: Tensor

    def __init__(self, size: int, following: int) -> None:
        super().__init__()
        weight = torch.empty(following, size)
        nn.init.orthogonal_(weight, HIDDEN_GAIN)
        self.register_buffer("weight", weight)
        self.register_buffer("bias", torch.zeros(following))

    def forward(self, x: Tensor) -> Tensor:
        """(row, following)."""
        return nn.functional.linear(x, self.weight, self.bias)
