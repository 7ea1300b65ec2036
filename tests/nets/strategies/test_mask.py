"""Masks: which weights are open, and how many."""

from hyperrl.nets.layers import LayerSpec
from hyperrl.nets.strategies import build
from tests.nets.cases import assert_equal
from tests.nets.strategies.cases import StrategyCase


def test_the_weights_are_what_the_strategy_says() -> None:
    case = StrategyCase.of(build("mask", {"0": LayerSpec(3, 4)}), 2)
    dense, outputs = case.weights().dense(), case.values()
    weight, bias = dense["0.weight"].transpose(1, 2), dense["0.bias"]
    shared, shared_bias = case.strategy.shared()
    open_ones = outputs >= outputs.sort(dim=1).values[:, 6:7]
    assert_equal(weight, shared * (outputs.sigmoid() * open_ones).view(2, 3, 4))
    assert_equal(bias, shared_bias.expand(2, -1))


def test_a_mask_is_sparse_to_the_part_requested() -> None:
    for sparsity, zeros in ((0.0, 0), (0.5, 6), (0.9, 10)):
        case = StrategyCase.of(build("mask", {"0": LayerSpec(3, 4)}, sparsity=sparsity), 5)
        assert ((case.weights().dense()["0.weight"] == 0).sum(dim=(1, 2)) == zeros).all()
