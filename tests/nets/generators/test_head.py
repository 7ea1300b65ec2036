"""Heads as parameters of their own, and their normalizations."""

from typing import Any

import pytest
import torch

from hyperrl.nets import MLP, STRATEGIES, HyperNetwork
from hyperrl.nets.generators.head import Head
from tests.nets.cases import all_pairs

HIDDEN: dict[str, tuple[int, ...]] = {
    "linear": (64,),
    "mlp": (6, 5),
    "residual": (6, 6, 6),
    "transformer": (8, 8),
    "recurrent": (6, 6),
}


def hypernetwork(target: MLP, strategy: str, architecture: str, **options: Any) -> HyperNetwork:
    hidden = options.pop("hidden", HIDDEN[architecture])
    return HyperNetwork(3, target, strategy, rank=4, hidden=hidden, architecture=architecture, **options)


@pytest.mark.parametrize(
    ("head_norm", "strategy", "architecture"),
    all_pairs(["weight", "spectral"], tuple(STRATEGIES), ["mlp", "transformer"]),
)
def test_a_normalization_changes_nothing_at_the_start(
    head_norm: str, strategy: str, architecture: str
) -> None:
    target, descriptors = MLP(4, 2, (16,)), torch.rand(5, 3)
    outputs = []
    for norm in [None, head_norm]:
        torch.manual_seed(0)
        hyper = hypernetwork(target, strategy, architecture, head_norm=norm)
        outputs.append(hyper.generator(descriptors).values())
    torch.testing.assert_close(outputs[0], outputs[1], rtol=1e-4, atol=1e-5)


def test_spectral_norm_bounds_each_head() -> None:
    head = Head(6, (3, 9), "spectral")
    weight, bias = torch.randn(6, 12), torch.randn(12)
    head.set(weight, bias)
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.mul_(torch.linspace(1, 7, parameter.numel()))
    blocks = (torch.split(each.detach(), [3, 9], dim=1) for each in (head()[0], weight))
    for block, start in zip(*blocks, strict=True):
        assert torch.linalg.matrix_norm(block, 2) == pytest.approx(
            float(torch.linalg.matrix_norm(start, 2)), rel=1e-4
        )


def test_weight_norm_tells_directions_from_lengths() -> None:
    head = Head(6, (3, 9), "weight")
    weight, bias = torch.randn(6, 12), torch.randn(12)
    head.set(weight, bias)
    with torch.no_grad():
        own, _, length = head.layers()
        own.mul_(torch.rand(12) + 0.5)
        length.mul_(3)
    torch.testing.assert_close(head()[0], 3 * weight)


def test_weight_norm_learns_from_heads_of_zero() -> None:
    hyper = hypernetwork(MLP(4, 2, (8,)), "full", "mlp", head_norm="weight", initialization="bias-hyperinit")
    descriptors = torch.rand(5, 3)
    assert hyper.generator(descriptors).values().std(dim=0).max() < 1e-6
    optimizer = torch.optim.SGD(hyper.parameters(), 0.1)
    (hyper.generator(descriptors).values() * torch.randn(5, hyper.strategy.outputs)).sum().backward()
    optimizer.step()
    assert hyper.generator(descriptors).values().std(dim=0).max() > 1e-3
