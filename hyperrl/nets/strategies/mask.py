"""Sparse masks over shared weights."""

import math
from collections.abc import Mapping

import torch
from jaxtyping import Float, Int
from torch import Tensor

from hyperrl.nets.grouping import layout_of
from hyperrl.nets.layers import LayerSpec, SharedLayers
from hyperrl.nets.outputs import Outputs
from hyperrl.nets.strategies.base import SHARE, Strategy, all_equal, orthogonal, project_out
from hyperrl.nets.weights import DenseLinear, GeneratedLinear, Weights

_SAMPLE_TASKS, _SAMPLE_ENTRIES, _HALVINGS = 64, 4096, 10


class Mask(Strategy):
    """Every layer is a shared one, its weights masked: ``W(c) = W0 * m(c)``; biases are shared.

    The hypernetwork generates a logit for each weight. For every task and layer the weights with the lowest
    logits are zero, and the others are scaled by the sigmoid of their logits: the semi-binary masks of
    HyperMask (Książek and Spurek, 2023).

    Args:
        layers: The layers to mask.
        sparsity: Part of each layer's weights that is zero, from 0 to less than 1.
    """

    def __init__(self, layers: Mapping[str, LayerSpec], sparsity: float = 0.5) -> None:
        super().__init__()
        self.specs, self.sparsity = dict(layers), sparsity
        self.sections = {name: spec.entries for name, spec in layers.items()}
        self.shared = SharedLayers(layers)

    @torch.no_grad()
    def head(self, features: Float[Tensor, "task features"]) -> tuple[Tensor, Tensor]:
        """The generator's last layer at the start, weight (features, outputs) and bias (outputs,).

        Logits start at random values that all tasks share, with changes that replace ``SHARE`` of the
        weights' variance at most. Shared weights are scaled to what the mask leaves of them.
        """
        weights, biases = [], []
        for name, (shared, _) in self.shared.named().items():
            start = torch.randn(1, shared.numel())
            gates = self._gates(start)
            masked = shared.view(1, -1) * gates
            shared.mul_(
                math.sqrt(self.specs[name].mean_square) / masked.square().mean().sqrt().clamp_min(1e-12)
            )
            change = orthogonal(features.shape[1], shared.numel())
            # logits move together such that the open weights keep their mean square to first order
            change = project_out(change, (masked.square() * (1 - start.sigmoid()))[0])
            center = features.mean(dim=0)
            sample = features[:: max(features.shape[0] // _SAMPLE_TASKS, 1)] - center
            scale = self._largest_scale(start, sample @ change, shared.view(1, -1))
            change = change * (0.0 if all_equal(features) else scale)
            weights.append(change)
            biases.append(start[0] - center @ change)
        return torch.cat(weights, dim=1), torch.cat(biases)

    def _largest_scale(self, start: Tensor, changes: Tensor, shared: Tensor) -> float:
        """By what changes are multiplied so that ``SHARE`` of the weights' variance is replaced at most."""
        start, changes, shared = (each[:, :_SAMPLE_ENTRIES] for each in (start, changes, shared))
        center = shared * self._gates(start)
        allowed = SHARE * center.square().sum()
        low, high = 0.0, 2 * math.sqrt(start.numel()) / float(changes.norm(dim=1).max().clamp_min(1e-6))
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            differs = (shared * self._gates(start + changes * middle) - center).square().sum(dim=1).max()
            low, high = (middle, high) if differs <= allowed else (low, middle)
        return low

    def _gates(self, logits: Float[Tensor, "task entries"]) -> Float[Tensor, "task entries"]:
        closed = int(self.sparsity * logits.shape[1])
        gates = logits.sigmoid()
        if not closed:
            return gates
        threshold = logits.detach().kthvalue(closed, dim=1, keepdim=True).values
        return gates * (logits > threshold)

    def forward(self, outputs: Outputs, index: Int[Tensor, " row"] | None) -> Weights:
        """The materialized weights of the distinct tasks."""
        logits = torch.split(outputs.values(), list(self.sections.values()), dim=1)
        layers: dict[str, GeneratedLinear] = {
            name: DenseLinear(
                weight * self._gates(own).view(-1, *weight.shape), bias.expand(outputs.tasks, -1)
            )
            for (name, (weight, bias)), own in zip(self.shared.named().items(), logits, strict=True)
        }
        return Weights(layers, layout_of(outputs.tasks, index))
