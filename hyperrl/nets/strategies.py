"""What is generated: all weights at once per layer, or a low-rank change of shared ones.

At the start every task's network has the statistics of the plain network it stands for, while tasks
already differ: the shared part carries most of the variance, the generated part at most ``SHARE`` of
it, anywhere in the descriptors' range, and the two are orthogonal, so that variances add up exactly.
Shared part first, small generated part: Bias-HyperInit (Beck et al., CoRL 2022) with the variance of
the sum held, as hyperfan-in initialisation asks (Chang et al., ICLR 2020).
"""

import math
from collections.abc import Mapping

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from hyperrl.nets.grouping import Each, Grouped, Rows
from hyperrl.nets.layers import LayerSpec, initial_bias, initial_weight
from hyperrl.nets.weights import DenseLinear, FactoredLinear, GeneratedLinear, Weights

SHARE = 0.1
"""Largest part of a generated weight's variance that differs between tasks at the start."""

_KEPT = math.sqrt(1 - SHARE / 2)


class LowRank(nn.Module):
    """Every layer is a shared one plus a rank-r change: ``[W(c); b(c)] = [W0; b0] + [B; beta] diag(z(c)) A``.

    The hypernetwork generates the r numbers z(c) of each layer alone. Applied through the factors, a
    layer's cost does not depend on how many tasks a batch holds. The shared factors of all layers are one
    flat parameter: what an optimiser and gradient clipping pay per tensor, they pay once.

    Args:
        layers: The layers to generate.
        features: Size of the hypernetwork's features.
        rank: r, of every layer.
    """

    def __init__(self, layers: Mapping[str, LayerSpec], features: int, rank: int) -> None:
        super().__init__()
        self.names, self.rank = tuple(layers), rank
        self.head = nn.Linear(features, rank * len(layers))
        factors: list[Tensor] = []
        for spec in layers.values():
            weight, down, up = _factors(spec, rank)
            factors += [
                torch.cat([weight * _KEPT, down], dim=1),
                torch.cat([initial_bias(spec), torch.zeros(rank)]),
                up,
            ]
        self._shapes = [factor.shape for factor in factors]
        self._sizes = [factor.numel() for factor in factors]
        self.factors = nn.Parameter(torch.cat([factor.flatten() for factor in factors]))

    @torch.no_grad()
    def initialise(self, features: Float[Tensor, "task feature"]) -> None:
        """Scales z to a mean square of 1 at most in every layer, given the features of the range's tasks."""
        nn.init.orthogonal_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        squares = self.head(features).view(len(features), -1, self.rank).square().mean(dim=2)
        largest = squares.amax(dim=0).clamp_min(1e-12).sqrt()
        self.head.weight.div_(largest.repeat_interleave(self.rank).unsqueeze(1))

    def forward(self, features: Float[Tensor, "task feature"], index: Int[Tensor, " row"] | None) -> Weights:
        """The weights in their factors."""
        codes = self.head(features)
        rows = codes if index is None else codes.index_select(0, index)
        pieces = torch.split(self.factors, self._sizes)
        shaped = [piece.view(shape) for piece, shape in zip(pieces, self._shapes, strict=True)]
        layers: dict[str, GeneratedLinear] = {
            name: FactoredLinear(base, bias, up, code, row)
            for name, base, bias, up, code, row in zip(
                self.names,
                shaped[::3],
                shaped[1::3],
                shaped[2::3],
                torch.split(codes, self.rank, dim=1),
                torch.split(rows, self.rank, dim=1),
                strict=True,
            )
        }
        return Weights(layers, Rows())


class Full(nn.Module):
    """Every weight and bias of every layer is an output of the hypernetwork.

    The layers' heads are one product: each layer's weights and biases are a slice of its outputs.

    Args:
        layers: The layers to generate.
        features: Size of the hypernetwork's features.
    """

    def __init__(self, layers: Mapping[str, LayerSpec], features: int) -> None:
        super().__init__()
        self.specs = dict(layers)
        self.head = nn.Linear(features, sum(spec.parameters for spec in layers.values()))
        self._sizes = [
            size
            for spec in layers.values()
            for size in (spec.parameters - spec.out_features, spec.out_features)
        ]

    @torch.no_grad()
    def initialise(self, features: Float[Tensor, "task feature"]) -> None:
        """Starts the head's bias as the plain layers, its weight as an orthogonal change of bounded size.

        The change is scaled by the largest norm among the given features of the range's tasks.
        """
        largest = features.square().sum(dim=1).max().sqrt().clamp_min(1e-6)
        width = self.head.in_features
        changes, shared = [], []
        for spec in self.specs.values():
            entries = spec.in_features * spec.out_features
            weight = initial_weight(spec).flatten()
            change = nn.init.orthogonal_(torch.empty(entries, width))
            change -= torch.outer(weight, weight @ change) / weight.square().sum()
            changes += [
                change * math.sqrt(SHARE * spec.mean_square * entries) / largest,
                torch.zeros(spec.out_features, width),
            ]
            shared += [weight * _KEPT, initial_bias(spec)]
        self.head.weight.copy_(torch.cat(changes))
        self.head.bias.copy_(torch.cat(shared))

    def forward(self, features: Float[Tensor, "task feature"], index: Int[Tensor, " row"] | None) -> Weights:
        """The formed weights of the distinct tasks."""
        slices = torch.split(self.head(features), self._sizes, dim=1)
        layers: dict[str, GeneratedLinear] = {
            name: DenseLinear(weight.reshape(-1, spec.in_features, spec.out_features), bias)
            for (name, spec), weight, bias in zip(self.specs.items(), slices[::2], slices[1::2], strict=True)
        }
        if len(features) == 1:
            return Weights(layers, Rows())
        return Weights(layers, Each() if index is None else Grouped.of(index, len(features)))


def _factors(spec: LayerSpec, rank: int) -> tuple[Tensor, Tensor, Tensor]:
    """W0 (in, out), B (in, r) and A (r, out).

    The columns of B have length 1, and B diag(z) A has ``SHARE`` of W0's variance where the mean square of
    z is 1. B or A continues W0's own orthogonal basis where the shape has room for it, so that W0 and the
    change are orthogonal whatever z is; in larger square layers two random matrices nearly are.
    """
    into, out = spec.in_features, spec.out_features
    down, up = _unit_columns(into, rank), _unit_columns(out, rank).t()
    weight = initial_weight(spec)
    if spec.gain is not None and into + rank <= out:
        weight, up = torch.split(nn.init.orthogonal_(torch.empty(into + rank, out)), [into, rank])
        weight = weight * spec.gain
    elif spec.gain is not None and out + rank <= into:
        weight, down = torch.split(nn.init.orthogonal_(torch.empty(into, out + rank)), [out, rank], dim=1)
        weight = weight * spec.gain
    return weight, down, up * math.sqrt(SHARE * spec.mean_square * into * out / rank)


def _unit_columns(rows: int, columns: int) -> Tensor:
    if columns <= rows:
        return nn.init.orthogonal_(torch.empty(rows, columns))
    return nn.functional.normalize(torch.randn(rows, columns), dim=0)
