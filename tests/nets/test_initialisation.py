"""At step 0 every task's network looks like the plain one it stands for, and tasks already differ."""

import math

import pytest
import torch
from torch import nn

from hyperrl.nets import MLP, HyperNetwork

SQRT2 = math.sqrt(2)


@pytest.mark.parametrize("strategy", ["low-rank", "full"])
@pytest.mark.parametrize("trunk", [(), (64,), (32, 32)])
@pytest.mark.parametrize("sizes", [(1, 2), (4, 2), (17, 6)])
@pytest.mark.parametrize("hidden", [(64, 64), (256, 256)])
@pytest.mark.parametrize("reach", [1.0, 5.0])
def test_statistics_of_orthogonal_initialisation(
    strategy: str, trunk: tuple[int, ...], sizes: tuple[int, int], hidden: tuple[int, ...], reach: float
) -> None:
    torch.manual_seed(0)
    target = MLP(*sizes, hidden, out_gain=0.01)
    hyper = HyperNetwork(3, target, strategy, hidden=trunk, descriptor_range=(-reach, reach))
    descriptors = torch.cat(
        [(2 * torch.rand(20, 3) - 1) * reach, torch.tensor([[reach] * 3, [-reach] * 3, [0.0] * 3])]
    )
    with torch.no_grad():
        dense = hyper(descriptors).dense()
    for number, spec in enumerate(target.specs):
        plain = nn.Linear(spec.in_features, spec.out_features).requires_grad_(False)
        nn.init.orthogonal_(plain.weight, gain=SQRT2 if number < len(hidden) else 0.01)
        weight = dense[f"{number}.weight"].detach()
        variance = plain.weight.square().mean()
        assert weight.square().mean(dim=(1, 2)) / variance == pytest.approx(1.0, abs=0.1)
        error = variance.sqrt() / math.sqrt(weight[0].numel())
        assert (weight.mean(dim=(1, 2)).abs() <= 4 * error).all()
        assert not dense[f"{number}.bias"].any()
        # the variance of y for x of independent entries of variance 1 is the squared norm of W's rows
        output = weight.square().sum(dim=2).mean(dim=1)
        assert output / plain.weight.square().sum(dim=1).mean() == pytest.approx(1.0, abs=0.1)
    spread = dense["1.weight"][:3].std(dim=0).mean() / dense["1.weight"].std()
    assert spread > 0.01


@pytest.mark.parametrize("strategy", ["low-rank", "full"])
def test_without_orthogonal_initialisation_layers_start_as_torch_does(strategy: str) -> None:
    torch.manual_seed(0)
    target = MLP(40, 30, (64,), gain=None)
    with torch.no_grad():
        dense = HyperNetwork(2, target, strategy)(torch.rand(5, 2) * 2 - 1).dense()
    for number, spec in enumerate(target.specs):
        plain = nn.Linear(spec.in_features, spec.out_features).requires_grad_(False)
        ratio = dense[f"{number}.weight"].detach().square().mean(dim=(1, 2)) / plain.weight.square().mean()
        assert ratio == pytest.approx(1.0, abs=0.1)
        assert dense[f"{number}.bias"].std() == pytest.approx(float(plain.bias.std()), rel=0.4)
