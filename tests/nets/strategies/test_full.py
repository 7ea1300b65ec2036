"""Full generation: what is generated, and the execution that costs less."""

import torch
from torch import Tensor

from hyperrl.nets import MLP
from hyperrl.nets.grouping import Grouped, PerTask, SharedRows
from hyperrl.nets.layers import LayerSpec
from hyperrl.nets.outputs import Outputs
from hyperrl.nets.strategies import Full, build
from hyperrl.nets.weights import BasisLinear
from tests.nets.cases import assert_equal
from tests.nets.strategies.cases import StrategyCase


def test_the_weights_are_what_the_strategy_says() -> None:
    case = StrategyCase.of(build("full", {"0": LayerSpec(3, 4)}), 2)
    dense, outputs = case.weights().dense(), case.values()
    weight, bias = dense["0.weight"].transpose(1, 2), dense["0.bias"]
    assert_equal(weight, outputs[:, :12].view(2, 3, 4))
    assert_equal(bias, outputs[:, 12:])


def test_full_generation_takes_the_execution_that_costs_less() -> None:
    layers = MLP(8, 4, (64, 64)).layers
    strategy = Full(layers)

    def layout(width: int, index: Tensor | None, tasks: int) -> object:
        parts = torch.zeros(tasks, width), torch.zeros(width, strategy.outputs), torch.zeros(strategy.outputs)
        weights = strategy(Outputs(*parts, tuple(strategy.sections.values())), index)
        basis = isinstance(next(iter(weights.layers.values())), BasisLinear)
        return "basis" if basis else type(weights.layout)

    index = torch.arange(256)
    assert layout(64, index % 16, 16) is Grouped
    assert layout(64, None, 1) is SharedRows
    assert layout(4, index % 64, 64) == "basis"
    assert layout(4, index % 4, 4) is Grouped
    assert layout(256, None, 256) is PerTask
    # one task with most of the rows: every other task's rows would be padded to as many
    skewed = torch.cat([torch.zeros(4000, dtype=torch.long), torch.arange(1, 97)])
    assert layout(2, skewed % 97, 97) == "basis"
