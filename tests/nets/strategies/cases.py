"""Strategies with the outputs of a generator, and how their layers start."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock

import torch
from torch import Tensor

from hyperrl.nets import (
    MLP,
    STRATEGIES,
    Weights,
)
from hyperrl.nets.layers import LayerSpec
from hyperrl.nets.outputs import Outputs
from hyperrl.nets.strategies import Full, Strategy, build
from tests.nets.cases import (
    assert_equal,
    naive,
)

EXECUTIONS = ("chosen", "layerwise", "formed", "basis")
EXECUTIONS_OF = [
    (name, execution)
    for name in STRATEGIES
    for execution in EXECUTIONS
    if execution in ("chosen", "layerwise") or name in ("full", "adapter")
]
"""Each strategy with the executions that it has."""


@dataclass
class StrategyCase:
    """Weights of a strategy are a function of features and the last layer of a generator."""

    strategy: Any
    features: Tensor
    weight: Tensor
    bias: Tensor

    @classmethod
    def of(
        cls, strategy: Strategy, tasks: int, width: int = 4, dtype: torch.dtype = torch.float32
    ) -> "StrategyCase":
        torch.manual_seed(1)
        with torch.no_grad():
            for parameter in strategy.parameters():
                parameter.add_(0.3 * torch.randn_like(parameter))
        sizes = ((tasks, 4), (4, strategy.outputs), (strategy.outputs,))
        parts = [torch.randn(size) * scale for size, scale in zip(sizes, (1, 0.5, 0.5), strict=True)]
        return cls(strategy, *(part.requires_grad_() for part in parts))

    @property
    def inputs(self) -> list[Tensor]:
        return [self.features, self.weight, self.bias, *self.strategy.parameters()]

    def weights(self, index: Tensor | None = None, execution: str = "chosen") -> Weights:
        features, sections = self.features, tuple(self.strategy.sections.values())
        if execution == "layerwise":  # as of a generator with features of each layer's own
            features = features.unsqueeze(1).expand(-1, len(sections), -1)
        with costs(execution):
            weights: Weights = self.strategy(Outputs(features, self.weight, self.bias, sections), index)
        return weights

    def values(self) -> Tensor:
        """The outputs of the generator."""
        return torch.addmm(self.bias, self.features, self.weight)


@contextmanager
def costs(execution: str) -> Iterator[None]:
    """Makes full generation take one of its executions."""
    forced = {"formed": "grouped", "basis": "basis"}.get(execution)
    with mock.patch.object(Full, "execution", forced):
        yield


def check(target: MLP, case: StrategyCase, index: Tensor | None, rows: int, execution: str) -> None:
    """Compares outputs and all gradients with those of the loop."""
    x = torch.randn(rows, target.in_features, dtype=case.features.dtype, requires_grad=True)
    upstream = torch.randn(rows, target.out_features, dtype=case.features.dtype)
    inputs = [x, *case.inputs]
    y = target(x, case.weights(index, execution))
    found = torch.autograd.grad((y * upstream).sum(), inputs, allow_unused=True)
    each = torch.arange(rows) % len(case.features) if index is None else index
    expected_y = naive(case.weights(), x, each, torch.tanh)
    expected = torch.autograd.grad((expected_y * upstream).sum(), inputs, allow_unused=True)
    assert_equal(y, expected_y)
    for one, other in zip(found, expected, strict=True):
        if other is None:
            assert one is None or not one.any()
        else:
            assert one is not None
            assert_equal(one, other)


def features_over(reach: float, dim: int = 3, width: int = 64, tasks: int = 512) -> Tensor:
    """Of a generator with bending hidden units, on tasks all over a box, corners first."""
    descriptors = torch.rand(tasks, dim)
    descriptors[: tasks // 2].round_()
    descriptors = (2 * descriptors - 1) * reach
    return torch.tanh(descriptors @ torch.randn(dim, width) * 2 / math.sqrt(dim) + 4 * torch.rand(width) - 2)


def started(
    strategy: str, layers: dict[str, LayerSpec], features: Tensor, **options: Any
) -> dict[str, Tensor]:
    module = build(strategy, layers, **options)
    outputs = Outputs(features[::16], *module.head(features), tuple(module.sections.values()))
    dense: dict[str, Tensor] = module(outputs, None).dense()
    return {name: tensor.detach() for name, tensor in dense.items()}
