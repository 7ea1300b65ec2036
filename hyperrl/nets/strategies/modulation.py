"""Scale and shift of shared layers' outputs."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from hyperrl.nets.flat import Flat
from hyperrl.nets.grouping import SharedRows
from hyperrl.nets.layers import LayerSpec, initial_bias, initial_weight
from hyperrl.nets.outputs import Outputs
from hyperrl.nets.strategies.base import SHARED_SCALE, Strategy, project_out, zero_mean_head
from hyperrl.nets.weights import DenseLinear, GeneratedLinear, Weights, spread


class Modulation(Strategy):
    """Every layer is a shared one whose outputs are scaled and shifted: ``y = (x W0 + b0) * s(c) + t(c)``.

    FiLM (Perez et al., AAAI 2018) ahead of the activation. The hypernetwork generates two numbers for each
    output, and a layer's cost does not depend on how many tasks a batch holds.

    Args:
        layers: The layers to modulate.
    """

    factored = True

    def __init__(self, layers: Mapping[str, LayerSpec]) -> None:
        super().__init__()
        self.specs = dict(layers)
        self.sections = {name: 2 * spec.out_features for name, spec in layers.items()}
        self._sizes = [spec.out_features for spec in layers.values() for _ in range(2)]
        tensors = []
        for spec in layers.values():
            tensors += [initial_weight(spec) * SHARED_SCALE, initial_bias(spec)]
        self.shared = Flat(tensors)

    def head(self, features: Float[Tensor, "task features"]) -> tuple[Tensor, Tensor]:
        """The generator's last layer at the start, weight (features, outputs) and bias (outputs,).

        Scales start around 1 and such that they leave the mean square of W unchanged to first order, shifts
        at 0. A layer with one output has no such scale but 1.
        """
        weights, biases = [], []
        for spec, shared in zip(self.specs.values(), self.shared()[::2], strict=True):
            out = spec.out_features
            squares = shared.detach().square().sum(dim=0)
            part = squares / squares.sum().clamp_min(1e-12)
            change = torch.zeros(features.shape[1], out)
            if out > 1:
                change = project_out(nn.init.orthogonal_(change), squares)
            change, bias = zero_mean_head(features, change, partial(_weighted, part=part))
            weights += [change, torch.zeros_like(change)]
            biases += [1 + bias, torch.zeros(out)]
        return torch.cat(weights, dim=1), torch.cat(biases)

    def forward(self, outputs: Outputs, index: Int[Tensor, " row"] | None) -> Weights:
        """The weights as shared layers and what modulates them."""
        shared, values = self.shared(), outputs.values()
        of_row = of_task = torch.split(values, self._sizes, dim=1)
        if index is not None:
            of_row = torch.split(values.index_select(0, index), self._sizes, dim=1)
        layers: dict[str, GeneratedLinear] = {
            name: ModulatedLinear(*parts)
            for name, *parts in zip(
                self.sections,
                shared[::2],
                shared[1::2],
                of_task[::2],
                of_task[1::2],
                of_row[::2],
                of_row[1::2],
                strict=True,
            )
        }
        return Weights(layers, SharedRows())


def _weighted(scales: Float[Tensor, "task outputs"], part: Float[Tensor, " outputs"]) -> Tensor:
    return scales.square() @ part


@dataclass(frozen=True)
class ModulatedLinear(GeneratedLinear):
    """``y = (x W0 + b0) * s(c) + t(c)``, row by row."""

    weight: Float[Tensor, "inputs outputs"]
    bias: Float[Tensor, " outputs"]
    scale: Float[Tensor, "task outputs"]
    shift: Float[Tensor, "task outputs"]
    row_scale: Float[Tensor, "row outputs"]
    row_shift: Float[Tensor, "row outputs"]

    @property
    def tasks(self) -> int:
        """Number of tasks G."""
        return self.scale.shape[0]

    def __call__(self, h: Tensor) -> Tensor:
        """(B, ..., in) to (B, ..., out)."""
        if h.dim() > 2:
            scale, shift = spread(self.row_scale, h), spread(self.row_shift, h)
            rows = replace(self, row_scale=scale, row_shift=shift)
            return rows(h.flatten(0, -2)).view(*h.shape[:-1], -1)
        return torch.addcmul(self.row_shift, torch.addmm(self.bias, h, self.weight), self.row_scale)

    def dense(self) -> DenseLinear:
        """The plain weights of each task."""
        return DenseLinear(
            self.weight * self.scale.unsqueeze(1), torch.addcmul(self.shift, self.bias, self.scale)
        )
