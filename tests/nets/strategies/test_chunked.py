"""Chunks of weights from one shared head."""

import torch

from hyperrl.nets.layers import LayerSpec
from hyperrl.nets.strategies import build
from tests.nets.cases import assert_equal
from tests.nets.strategies.cases import StrategyCase


def test_the_weights_are_what_the_strategy_says() -> None:
    case = StrategyCase.of(build("chunked", {"0": LayerSpec(3, 4)}), 2)
    dense, outputs = case.weights().dense(), case.values()
    weight, bias = dense["0.weight"].transpose(1, 2), dense["0.bias"]
    shifts, scales, head, biases = case.strategy.shared()
    for task in range(2):
        chunks = (scales * torch.tanh(outputs[task] + shifts)) @ head
        assert_equal(weight[task], chunks[0, :12].view(3, 4))
        assert_equal(bias[task], biases + chunks[1, :4])
