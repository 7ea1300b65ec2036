"""Modulation scales and shifts the outputs of shared layers."""

import torch

from hyperrl.nets.layers import LayerSpec
from hyperrl.nets.strategies import build
from tests.nets.cases import assert_equal
from tests.nets.strategies.cases import StrategyCase


def test_the_weights_are_what_the_strategy_says() -> None:
    case = StrategyCase.of(build("modulation", {"0": LayerSpec(3, 4)}), 2)
    dense, outputs = case.weights().dense(), case.values()
    weight, bias = dense["0.weight"].transpose(1, 2), dense["0.bias"]
    shared, shared_bias = case.strategy.shared()
    scale, shift = torch.split(outputs, 4, dim=1)
    assert_equal(weight, shared * scale.unsqueeze(1))
    assert_equal(bias, shared_bias * scale + shift)
