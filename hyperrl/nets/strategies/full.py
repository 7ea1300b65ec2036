"""Full generation: every weight is an output of the hypernetwork."""

import math
from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

from hyperrl.nets.flat import cut, materialize
from hyperrl.nets.grouping import BatchLayout, Grouped, SharedRows, layout_of
from hyperrl.nets.layers import LayerSpec, initial_bias, initial_weight, pairs
from hyperrl.nets.outputs import Outputs
from hyperrl.nets.strategies.base import SHARE, SHARED_SCALE, Strategy, all_equal, orthogonal, project_out
from hyperrl.nets.weights import BasisLinear, DenseLinear, GeneratedLinear, Weights

MATERIALIZED_ENTRY = 60
"""Cost of writing and reading a materialized weight, in multiply-adds of a large product.

This and the next two are fitted to CPU times of both executions for targets of 32 to 256 units, 4 to 64
features, 4 to 256 tasks and 256 and 1024 rows: where the choice by them is wrong it costs less than a tenth.
"""

BASIS_ENTRY = 24
"""The same for an entry of what the basis execution has between its two products."""

BASIS_LAYER = 1_000_000
"""The same for the further steps of a layer in the basis execution."""


class Full(Strategy):
    """Every weight and bias of every layer is an output of the hypernetwork (Ha et al., ICLR 2017).

    Weights are materialized for each task and applied to its rows, or the products are taken through
    the generator's last layer as a basis of weights (see :class:`~hyperrl.nets.weights.BasisLinear`),
    whichever costs less for the batch.

    Args:
        layers: The layers to generate.

    Attributes:
        execution: ``"grouped"`` or ``"basis"`` forces one execution, for tests and measurements; None takes
            the cheaper one.
    """

    execution: Literal["grouped", "basis"] | None = None

    def __init__(self, layers: Mapping[str, LayerSpec]) -> None:
        super().__init__()
        self.specs = dict(layers)
        self.sections = {name: spec.parameters for name, spec in layers.items()}
        self._shapes = [
            shape
            for spec in layers.values()
            for shape in ((spec.in_features, spec.out_features), (spec.out_features,))
        ]

    def head(self, features: Float[Tensor, "task features"]) -> tuple[Tensor, Tensor]:
        """The generator's last layer at the start, weight (features, outputs) and bias (outputs,).

        The bias holds plain layers; the weight is an orthogonal change around the center of the features,
        scaled by the largest distance from it.
        """
        center = features.mean(dim=0)
        largest = (features - center).square().sum(dim=1).max().sqrt().clamp_min(1e-6)
        if all_equal(features):
            largest.fill_(torch.inf)
        width = features.shape[1]
        changes, shared = [], []
        for spec in self.specs.values():
            entries = spec.entries
            weight = initial_weight(spec).flatten()
            change = project_out(orthogonal(width, entries), weight)
            change *= math.sqrt(SHARE * spec.mean_square * entries) / largest
            changes += [change, torch.zeros(width, spec.out_features)]
            shared += [weight * SHARED_SCALE - center @ change, initial_bias(spec)]
        return torch.cat(changes, dim=1), torch.cat(shared)

    def forward(self, outputs: Outputs, index: Int[Tensor, " row"] | None) -> Weights:
        """The weights of the distinct tasks, materialized or as a basis."""
        features, weight, bias, _ = outputs
        tasks = outputs.tasks
        if features.dim() > 2:
            return self._materialize(cut(outputs.values(), self._shapes), layout_of(tasks, index))
        width = features.shape[1]
        rows = tasks if index is None else len(index)
        if self._prefers_basis(width, rows, tasks, max(rows, tasks)):
            return self._basis(outputs, index)
        layout = layout_of(tasks, index)
        if isinstance(layout, Grouped) and self._prefers_basis(width, rows, tasks, tasks * layout.largest):
            return self._basis(outputs, index)
        return self._materialize(materialize(features, weight, bias, self._shapes), layout)

    def _prefers_basis(self, features: int, rows: int, tasks: int, padded_rows: int) -> bool:
        if self.execution is not None or tasks == 1:
            return self.execution == "basis"
        return self._basis_cost(features, rows) < self._materialize_cost(features, tasks, padded_rows)

    def _materialize_cost(self, features: int, tasks: int, padded_rows: int) -> int:
        return self.outputs * (tasks * (features + MATERIALIZED_ENTRY) + padded_rows)

    def _basis_cost(self, features: int, rows: int) -> int:
        between = sum(min(spec.in_features, spec.out_features) for spec in self.specs.values())
        steps = BASIS_LAYER * len(self.specs)
        return rows * features * (self.outputs + BASIS_ENTRY * between) + steps

    def _materialize(self, pieces: Sequence[Tensor], layout: BatchLayout) -> Weights:
        layers: dict[str, GeneratedLinear] = {
            name: DenseLinear(*pair) for name, pair in zip(self.specs, pairs(pieces), strict=True)
        }
        return Weights(layers, layout)

    def _basis(self, outputs: Outputs, index: Int[Tensor, " row"] | None) -> Weights:
        """The weights as a basis; no weights of a task are materialized."""
        features, weight, bias, _ = outputs
        rows = features if index is None else features.index_select(0, index)
        bases, base = cut(weight, self._shapes), cut(bias.unsqueeze(0), self._shapes)
        layers: dict[str, GeneratedLinear] = {
            name: BasisLinear(basis, start[0], bias_basis, bias_start[0], features, rows)
            for name, (basis, bias_basis), (start, bias_start) in zip(
                self.specs, pairs(bases), pairs(base), strict=True
            )
        }
        return Weights(layers, SharedRows())
