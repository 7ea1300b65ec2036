"""Generated weights, applied in every execution, equal the naive loop over rows."""

import pytest
import torch
from torch import nn

from hyperrl.nets import MLP, STRATEGIES
from hyperrl.nets.layers import LayerSpec
from hyperrl.nets.strategies import build
from tests.nets.cases import assert_equal, naive
from tests.nets.strategies.cases import EXECUTIONS_OF, StrategyCase, check


@pytest.mark.parametrize(("name", "execution"), EXECUTIONS_OF)
@pytest.mark.parametrize(("tasks", "hidden"), [(24, (64, 64)), (5, (128, 128))])
def test_executions_equal_the_loop_in_single_precision(
    name: str, execution: str, tasks: int, hidden: tuple[int, ...]
) -> None:
    torch.manual_seed(0)
    target = MLP(6, 3, hidden)
    strategy = build(name, target.layers)
    features = torch.tanh(torch.randn(tasks, 16))
    head = strategy.head(torch.tanh(torch.randn(512, 16)))
    case = StrategyCase(strategy, *(part.requires_grad_() for part in (features, *head)))
    check(target, case, torch.randint(tasks, (24,)), 24, execution)
    if tasks == 24:
        check(target, case, None, 24, execution)


@pytest.mark.parametrize(("name", "execution"), EXECUTIONS_OF)
@pytest.mark.parametrize("tasks", [1, 5])
def test_one_row_a_task_formed_or_not(name: str, execution: str, tasks: int) -> None:
    target = MLP(3, 2, (5, 6))
    case = StrategyCase.of(build(name, target.layers), tasks)
    x, index = torch.randn(5, 3), torch.arange(5) % tasks
    weights = case.weights(None, execution)
    expected = naive(case.weights(), x, index, torch.tanh)
    assert_equal(target(x, weights), expected)
    assert_equal(target(x, weights.materialize()), expected)
    for key, tensor in weights.dense().items():
        assert_equal(tensor, case.weights().dense()[key])


@pytest.mark.parametrize(("name", "execution"), EXECUTIONS_OF)
@pytest.mark.parametrize("tasks", [1, 3])
def test_places_of_a_row_share_its_weights(name: str, execution: str, tasks: int) -> None:
    strategy = build(name, {"0": LayerSpec(3, 4)})
    case = StrategyCase.of(strategy, tasks)
    index = torch.tensor([2, 0, 2, 1, 2]) % tasks
    x = torch.randn(5, 7, 3)
    weights = case.weights(None if tasks == 1 else index, execution)
    dense = case.weights().dense()
    expected = torch.stack(
        [
            row @ dense["0.weight"][task].t() + dense["0.bias"][task]
            for row, task in zip(x, index, strict=True)
        ]
    )
    y = weights.layers["0"](weights.layout.enter(x))
    assert_equal(weights.layout.leave(y), expected)


@pytest.mark.parametrize("name", STRATEGIES)
def test_specialize_gives_the_plain_network_of_one_task(name: str) -> None:
    target = MLP(3, 2, (5,))
    case = StrategyCase.of(build(name, target.layers), 4)
    x = torch.randn(7, 3)
    plain = target.specialize(case.weights(), task=2)
    assert [type(module) for module in plain] == [nn.Linear, nn.Tanh, nn.Linear]
    assert not any(parameter.requires_grad for parameter in plain.parameters())
    assert_equal(plain(x), naive(case.weights(), x, torch.full((7,), 2), torch.tanh))
