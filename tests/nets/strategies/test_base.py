"""Every strategy at the start: the statistics of plain networks, and tasks that already differ."""

import math

import pytest
import torch
from torch import nn

from hyperrl.nets import (
    MLP,
    STRATEGIES,
    HyperNetwork,
)
from hyperrl.nets.layers import LayerSpec
from hyperrl.nets.outputs import Outputs
from hyperrl.nets.strategies import SHARE, build
from hyperrl.nets.strategies.base import orthogonal, zero_mean_head
from tests.nets.cases import (
    all_pairs,
)
from tests.nets.strategies.cases import (
    features_over,
    started,
)

NEW = sorted(set(STRATEGIES) - {"low-rank", "full"})


@pytest.mark.parametrize(
    ("strategy", "sizes", "hidden", "reach"),
    all_pairs(NEW, [(1, 2), (4, 2), (17, 6)], [(64, 64), (256, 128)], [1.0, 5.0]),
)
def test_statistics_of_orthogonal_initialization(
    strategy: str, sizes: tuple[int, int], hidden: tuple[int, ...], reach: float
) -> None:
    torch.manual_seed(0)
    target = MLP(*sizes, hidden, out_gain=0.01)
    dense = started(strategy, target.layers, features_over(reach))
    for number, spec in enumerate(target.specs):
        weight = dense[f"{number}.weight"]
        assert not dense[f"{number}.bias"].any()
        # which weights of a small layer a mask leaves open is a matter of few draws
        few = strategy == "mask" and weight[0].numel() < 200
        variance = spec.mean_square
        assert weight.square().mean(dim=(1, 2)) / variance == pytest.approx(1.0, abs=0.3 if few else 0.1)
        error = math.sqrt(variance / weight[0].numel())
        assert (weight.mean(dim=(1, 2)).abs() <= 4 * error).all()
        differing = (weight - weight.mean(dim=0)).square().mean(dim=(1, 2)) / variance
        assert differing.max() <= (4 if few else 2) * SHARE
        if not (strategy == "adapter" and number == 0):
            assert differing.mean() >= 0.01


@pytest.mark.parametrize("strategy", NEW)
def test_without_orthogonal_initialization_layers_start_as_torch_does(strategy: str) -> None:
    torch.manual_seed(0)
    target = MLP(40, 30, (64,), gain=None)
    dense = started(strategy, target.layers, features_over(1.0))
    for number, spec in enumerate(target.specs):
        plain = nn.Linear(spec.in_features, spec.out_features).requires_grad_(False)
        ratio = dense[f"{number}.weight"].square().mean(dim=(1, 2)) / plain.weight.square().mean()
        assert ratio == pytest.approx(1.0, abs=0.12)
        assert dense[f"{number}.bias"].std() == pytest.approx(float(plain.bias.std()), rel=0.4)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_small_layer_and_a_constant_feature_start_finite(strategy: str) -> None:
    torch.manual_seed(0)
    layers = {"0": LayerSpec(1, 1), "1": LayerSpec(1, 3), "2": LayerSpec(3, 1, None)}
    for features in (torch.ones(512, 1), torch.zeros(512, 4), torch.randn(512, 2)):
        for tensor in started(strategy, layers, features).values():
            assert tensor.isfinite().all()
            assert tensor.abs().max() < 10


@pytest.mark.parametrize(
    ("strategy", "architecture", "reach"),
    all_pairs(tuple(STRATEGIES), ["mlp", "transformer"], [None, (0.3, 0.3)]),
)
def test_where_tasks_do_not_differ_a_step_of_learning_is_small(
    strategy: str, architecture: str, reach: tuple[float, float] | None
) -> None:
    torch.manual_seed(0)
    target = MLP(4, 2, (32, 32))
    hyper = HyperNetwork(
        0 if reach is None else 1,
        target,
        strategy,
        architecture=architecture,
        descriptor_range=reach or (-1.0, 1.0),
    )
    descriptor, x = torch.full((1, hyper.descriptor_dim), 0.3), torch.randn(64, 4)
    before = target(x, hyper(descriptor))
    optimizer = torch.optim.Adam(hyper.parameters(), lr=3e-4)
    before.square().mean().backward()
    optimizer.step()
    after = target(x, hyper(descriptor))
    assert 0.1 < before.std() < 2
    assert (after - before).abs().max() < 2 * before.abs().max()


@pytest.mark.parametrize("strategy", sorted(set(STRATEGIES) - {"mask"}))
def test_layers_start_around_those_they_are_given(strategy: str) -> None:
    torch.manual_seed(0)
    weight, bias = torch.randn(20, 30), torch.randn(30)
    zero = LayerSpec(20, 30, None, start=(torch.zeros(20, 30), torch.zeros(30)))
    layers = {"0": LayerSpec(20, 30, None, start=(weight, bias)), "1": zero}
    dense = started(strategy, layers, features_over(1.0), generate=["0", "1"])
    difference = dense["0.weight"].transpose(1, 2) - weight
    assert difference.square().mean(dim=(1, 2)).max() <= 1.5 * SHARE * weight.square().mean()
    assert difference.square().mean() > 0.01 * weight.square().mean()
    if strategy != "modulation":  # which scales biases with weights
        assert torch.allclose(dense["0.bias"], bias.expand(32, -1), atol=1e-6)
    assert all(tensor.isfinite().all() for tensor in dense.values())


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_gradients_reach_all_that_is_learned(strategy: str) -> None:
    torch.manual_seed(0)
    target = MLP(5, 4, (8, 8))
    features = features_over(1.0)
    module = build(strategy, target.layers)
    head = [part.requires_grad_() for part in module.head(features)]
    outputs = Outputs(features, head[0], head[1], tuple(module.sections.values()))
    target(torch.randn(512, 5), module(outputs, None)).square().sum().backward()
    for parameter in (*head, *module.parameters()):
        assert parameter.grad is not None
        assert parameter.grad.any()


@pytest.mark.parametrize("size", [(8, 9), (8, 127), (8, 128), (3, 400), (40, 5)])
def test_an_orthogonal_change_is_that_of_torch(size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    expected = nn.init.orthogonal_(torch.empty(size))
    torch.manual_seed(0)
    found = orthogonal(*size)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
    product = found @ found.T if size[0] <= size[1] else found.T @ found
    torch.testing.assert_close(product, torch.eye(min(size)), atol=1e-5, rtol=0)


def test_a_head_has_mean_0_and_its_largest_effect_is_the_share() -> None:
    torch.manual_seed(0)
    features, effect = features_over(1.0), torch.randn(12, 5)
    weight, bias = zero_mean_head(features, torch.randn(features.shape[1], 12), lambda rows: rows @ effect)
    outputs = features @ weight + bias
    torch.testing.assert_close(outputs.mean(dim=0), torch.zeros(12), atol=1e-4, rtol=0)
    assert (outputs @ effect).square().sum(dim=1).max() == pytest.approx(SHARE, rel=1e-3)
    assert not zero_mean_head(features, torch.randn(features.shape[1], 12), lambda rows: rows * 0)[0].any()
