"""At step 0 every strategy's networks have the statistics of plain ones, and tasks already differ."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from hyperrl.nets import MLP, HyperNetwork
from hyperrl.nets.layers import LayerSpec
from hyperrl.nets.strategies import SHARE, STRATEGIES, build
from hyperrl.nets.strategies.low_rank import _factors

NEW = sorted(set(STRATEGIES) - {"low-rank", "full"})


def features_over(reach: float, dim: int = 3, width: int = 64, tasks: int = 512) -> Tensor:
    """Of a generator with bending hidden units, on tasks all over a box, corners first."""
    descriptors = torch.rand(tasks, dim)
    descriptors[: tasks // 2].round_()
    descriptors = (2 * descriptors - 1) * reach
    return torch.tanh(descriptors @ torch.randn(dim, width) * 2 / math.sqrt(dim) + 4 * torch.rand(width) - 2)


def started(
    strategy: str, layers: dict[str, LayerSpec], features: Tensor, **options: Any
) -> dict[str, Tensor]:
    made = build(strategy, layers, **options)
    weight, bias = made.head(features)
    dense: dict[str, Tensor] = made(features[::16] @ weight + bias, None).dense()
    return {name: tensor.detach() for name, tensor in dense.items()}


@pytest.mark.parametrize("strategy", NEW)
@pytest.mark.parametrize("sizes", [(1, 2), (4, 2), (17, 6)])
@pytest.mark.parametrize("hidden", [(64, 64), (256, 128)])
@pytest.mark.parametrize("reach", [1.0, 5.0])
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


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("architecture", ["mlp", "transformer"])
@pytest.mark.parametrize("reach", [None, (0.3, 0.3)])
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
    made = build(strategy, target.layers)
    head = [part.requires_grad_() for part in made.head(features)]
    target(torch.randn(512, 5), made(features @ head[0] + head[1], None)).square().sum().backward()
    for parameter in (*head, *made.parameters()):
        assert parameter.grad is not None
        assert parameter.grad.any()


@pytest.mark.parametrize(("into", "out"), [(6, 3000), (3000, 6), (3, 2)])
@pytest.mark.parametrize("gain", [1.0, None])
def test_a_wide_layer_starts_from_a_part_of_a_basis(into: int, out: int, gain: float | None) -> None:
    """Not from a matrix of 3,000 times 3,000; what the rank changes is orthogonal to the weights as ever."""
    sizes: list[int] = []

    class Counted(TorchFunctionMode):
        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            made = func(*args, **(kwargs or {}))
            sizes.extend([made.numel()] if isinstance(made, Tensor) else [])
            return made

    with Counted():
        weight, down, up = _factors(LayerSpec(into, out, gain), 4)
    assert max(sizes) <= 4 * into * out
    if gain is not None and into > 3:
        ones = torch.stack([torch.outer(down[:, k], up[k]).flatten() for k in range(4)])
        torch.testing.assert_close(ones @ weight.flatten(), torch.zeros(4), atol=1e-3, rtol=0)
        apart = ones @ ones.T
        torch.testing.assert_close(apart, torch.diag(apart.diag()), atol=1e-3, rtol=0)
