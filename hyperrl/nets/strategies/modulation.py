"""Scale and shift of shared layers' outputs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from hyperrl.nets.flat import Flat
from hyperrl.nets.fused import Codes, FusedLayer, Saved, Upstream, fused_layers
from hyperrl.nets.grouping import SharedRows
from hyperrl.nets.layers import LayerSpec, SharedLayers, pairs
from hyperrl.nets.outputs import Outputs
from hyperrl.nets.strategies.base import SHARED_SCALE, Strategy, orthogonal, project_out, zero_mean_head
from hyperrl.nets.weights import DenseLinear, GeneratedLinear, RowLinear, Weights


class Modulation(Strategy):
    """A shared layer whose outputs are scaled and shifted: ``y = (x W0 + b0) * s(c) + t(c)``.

    FiLM (Perez et al., AAAI 2018) before the activation. The hypernetwork generates two numbers for each
    output, and a layer's cost does not depend on the number of tasks in a batch.

    Args:
        layers: The layers to modulate.
    """

    factored = True

    def __init__(self, layers: Mapping[str, LayerSpec]) -> None:
        super().__init__()
        self.sections = {name: 2 * spec.out_features for name, spec in layers.items()}
        self._sizes = [spec.out_features for spec in layers.values() for _ in range(2)]
        self.shared = SharedLayers(layers, SHARED_SCALE)
        self.fused_layers = fused_layers(FusedModulation, self.sections, self.shared.places)

    def head(self, features: Float[Tensor, "task features"]) -> tuple[Tensor, Tensor]:
        """The generator's last layer at the start, weight (features, outputs) and bias (outputs,).

        Scales start around 1 and such that they leave the mean square of W unchanged to first order, shifts
        at 0. The scale of a layer with one output starts at 1.
        """
        weights, biases = [], []
        for shared, _ in self.shared.named().values():
            out = shared.shape[1]
            squares = shared.detach().square().sum(dim=0)
            part = (squares / squares.sum().clamp_min(1e-12)).sqrt()
            change = torch.zeros(features.shape[1], out)
            if out > 1:
                change = project_out(orthogonal(features.shape[1], out), squares)
            change, bias = zero_mean_head(features, change, part.mul)
            weights += [change, torch.zeros_like(change)]
            biases += [1 + bias, torch.zeros(out)]
        return torch.cat(weights, dim=1), torch.cat(biases)

    def forward(self, outputs: Outputs, index: Int[Tensor, " row"] | None) -> Weights:
        """The weights as shared layers and what modulates them."""
        values = outputs.values()
        of_row = of_task = torch.split(values, self._sizes, dim=1)
        if index is not None:
            of_row = torch.split(values.index_select(0, index), self._sizes, dim=1)
        changes = zip(pairs(of_task), pairs(of_row), strict=True)
        layers: dict[str, GeneratedLinear] = {
            name: ModulatedLinear(*shared, *task, *row)
            for (name, shared), (task, row) in zip(self.shared.named().items(), changes, strict=True)
        }
        return Weights(layers, SharedRows())

    @property
    def flat(self) -> Flat:
        """The parameter that all tasks share."""
        return self.shared


@dataclass(frozen=True)
class ModulatedLinear(RowLinear):
    """``y = (x W0 + b0) * s(c) + t(c)``, row by row."""

    weight: Float[Tensor, "inputs outputs"]
    bias: Float[Tensor, " outputs"]
    scale: Float[Tensor, "task outputs"]
    shift: Float[Tensor, "task outputs"]
    row_scale: Float[Tensor, "row outputs"]
    row_shift: Float[Tensor, "row outputs"]

    def apply(self, h: Float[Tensor, "row inputs"]) -> Float[Tensor, "row outputs"]:
        """(B, in) to (B, out)."""
        return torch.addcmul(self.row_shift, torch.addmm(self.bias, h, self.weight), self.row_scale)

    def dense(self) -> DenseLinear:
        """The plain weights of each task."""
        return DenseLinear(
            self.weight * self.scale.unsqueeze(1), torch.addcmul(self.shift, self.bias, self.scale)
        )


class FusedModulation(FusedLayer):
    """``y = (x W0 + b0) * s(c) + t(c)``; the shared tensors are W0 and b0, the codes s and then t."""

    def forward(self, h: Tensor, codes: Codes, shared: Sequence[Tensor]) -> tuple[Tensor, Saved]:
        """See :meth:`FusedLayer.forward`."""
        weight, bias = shared
        scale, shift = codes.chunk(2, dim=2)
        plain = torch.baddbmm(bias, h, weight)
        return torch.addcmul(shift, plain, scale), (plain, scale)

    def backward(self, upstream: Upstream, h: Tensor, saved: Saved, shared: Sequence[Tensor]) -> None:
        """See :meth:`FusedLayer.backward`."""
        (plain, scale), (weight, _) = saved, shared
        if upstream.codes is None:
            of_shift = upstream.before_activation(torch.empty_like(plain))
        else:
            of_scale, of_shift = upstream.codes.chunk(2, dim=2)
            upstream.before_activation(of_shift)
            torch.mul(of_shift, plain, out=of_scale)
        of_plain = of_shift * scale
        if upstream.shared is not None:
            of_weight, of_bias = upstream.shared
            torch.bmm(h.mT, of_plain, out=of_weight)
            torch.sum(of_plain, dim=1, keepdim=True, out=of_bias)
        if upstream.inputs is not None:
            torch.bmm(of_plain, weight.mT, out=upstream.inputs)
