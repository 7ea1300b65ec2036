"""Every weight generated at once."""

import math
from collections.abc import Mapping

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from hyperrl.nets.grouping import Each, Grouped, Rows
from hyperrl.nets.layers import LayerSpec, initial_bias, initial_weight
from hyperrl.nets.strategies.base import KEPT, SHARE
from hyperrl.nets.weights import DenseLinear, GeneratedLinear, Weights


class Full(nn.Module):
    """Every weight and bias of every layer is an output of the hypernetwork.

    Args:
        layers: The layers to generate.
    """

    factored = False

    def __init__(self, layers: Mapping[str, LayerSpec]) -> None:
        super().__init__()
        self.specs = dict(layers)
        self.outputs = sum(spec.parameters for spec in layers.values())
        self._sizes = [
            size
            for spec in layers.values()
            for size in (spec.parameters - spec.out_features, spec.out_features)
        ]

    def head(self, features: Float[Tensor, "task features"]) -> tuple[Tensor, Tensor]:
        """The generator's last layer at the start, weight (features, outputs) and bias (outputs,).

        The bias is the plain layers; the weight an orthogonal change around the centre of the features
        given, scaled by the largest distance from it.
        """
        centre = features.mean(dim=0)
        largest = (features - centre).square().sum(dim=1).max().sqrt().clamp_min(1e-6)
        width = features.shape[1]
        changes, shared = [], []
        for spec in self.specs.values():
            entries = spec.in_features * spec.out_features
            weight = initial_weight(spec).flatten()
            change = nn.init.orthogonal_(torch.empty(width, entries))
            change -= torch.outer(change @ weight, weight) / weight.square().sum()
            change *= math.sqrt(SHARE * spec.mean_square * entries) / largest
            changes += [change, torch.zeros(width, spec.out_features)]
            shared += [weight * KEPT - centre @ change, initial_bias(spec)]
        return torch.cat(changes, dim=1), torch.cat(shared)

    def forward(self, outputs: Float[Tensor, "task outputs"], index: Int[Tensor, " row"] | None) -> Weights:
        """The formed weights of the distinct tasks."""
        slices = torch.split(outputs, self._sizes, dim=1)
        layers: dict[str, GeneratedLinear] = {
            name: DenseLinear(weight.reshape(-1, spec.in_features, spec.out_features), bias)
            for (name, spec), weight, bias in zip(self.specs.items(), slices[::2], slices[1::2], strict=True)
        }
        if len(outputs) == 1:
            return Weights(layers, Rows())
        return Weights(layers, Each() if index is None else Grouped.of(index, len(outputs)))
