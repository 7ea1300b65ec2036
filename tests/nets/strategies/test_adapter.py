"""Adapters: a generated bottleneck with a skip connection before a shared layer."""

import pytest
import torch
from torch import nn

from hyperrl.nets import MLP, HyperNetwork, ModuleTarget, Parallel
from hyperrl.nets.layers import LayerSpec
from hyperrl.nets.strategies import build
from tests.nets.cases import CASES, assert_equal
from tests.nets.strategies.cases import EXECUTIONS, StrategyCase


def test_the_weights_are_what_the_strategy_says() -> None:
    case = StrategyCase.of(build("adapter", {"0": LayerSpec(3, 4)}), 2)
    dense, outputs = case.weights().dense(), case.values()
    weight, bias = dense["0.weight"].transpose(1, 2), dense["0.bias"]
    shared, shared_bias = case.strategy.shared()
    down, down_bias, up, up_bias = torch.split(outputs, [24, 8, 24, 3], dim=1)
    down, up = down.view(2, 3, 8), up.view(2, 8, 3)
    assert_equal(weight, (torch.eye(3) + down @ up) @ shared)
    inner = torch.einsum("gr,gri->gi", down_bias, up) + up_bias
    assert_equal(bias, shared_bias + inner @ shared)


@pytest.mark.parametrize("execution", EXECUTIONS)
def test_an_adapter_with_an_activation_is_a_bottleneck_with_a_skip_connection(execution: str) -> None:
    target = MLP(3, 2, (5,))
    case = StrategyCase.of(build("adapter", target.layers, rank=4, activation=nn.ReLU), 3)
    x, index = torch.randn(6, 3), torch.tensor([2, 0, 0, 1, 2, 0])
    w = case.weights().dense()
    rows = []
    for row, task in zip(x, index, strict=True):
        h = torch.tanh(w["0.weight"][task] @ row + w["0.bias"][task])
        narrow = torch.relu(w["1.down.weight"][task] @ h + w["1.down.bias"][task])
        h = h + w["1.up.weight"][task] @ narrow + w["1.up.bias"][task]
        rows.append(w["1.shared.weight"][task] @ h + w["1.shared.bias"][task])
    expected = torch.stack(rows)
    assert_equal(target(x, case.weights(index, execution)), expected)
    picked = StrategyCase(case.strategy, case.features[index], case.weight, case.bias)
    assert_equal(target(x, picked.weights(None, execution).materialize()), expected)
    for task in range(3):
        plain = target.specialize(case.weights(None, execution), task)
        assert not any(parameter.requires_grad for parameter in plain.parameters())
        assert_equal(plain(x)[index == task], expected[index == task])
    with pytest.raises(ValueError, match="activation"):
        case.weights().layers["1"].dense()


def test_adapters_follow_hidden_layers() -> None:
    target = Parallel({"actor": MLP(3, 2, (5, 6)), "critic": MLP(3, 1, (4,))})
    strategy = build("adapter", target.layers, rank=2)
    assert list(strategy.sections) == ["actor.1", "actor.2", "critic.1"]
    assert list(build("adapter", target.layers, generate=["actor.0"]).sections) == ["actor.0"]
    assert list(build("adapter", MLP(3, 2, ()).layers).sections) == ["0"]
    normal = MLP(3, 2, (5, 6), layer_norm=True)
    assert list(build("adapter", normal.layers).sections) == ["1", "2"]


@pytest.mark.parametrize("partial", [False, True])
def test_an_adapter_with_an_activation_is_refused_where_plain_layers_are_requested(partial: bool) -> None:
    options = {"activation": nn.ReLU}
    line = r"^[^\n]*no affine map[^\n]*$"
    case = CASES["module"]()
    generate = list(case.target.layers)[:2] if partial else "all"
    with pytest.raises(ValueError, match=line):
        HyperNetwork(2, case.target, "adapter", strategy_options=options, generate=generate)
    case = CASES["varying"]()
    generate = ["1"] if partial else "all"
    hyper = HyperNetwork(2, case.target, "adapter", strategy_options=options, generate=generate)
    weights = hyper(torch.zeros(1, 2))
    assert case.apply(torch.randn(3, *case.shape), weights).isfinite().all()
    with pytest.raises(ValueError, match=line):
        case.target.specialize(weights)
    with pytest.raises(ValueError, match=line):
        ModuleTarget(nn.Linear(6, 6))(torch.randn(3, 6), weights)
