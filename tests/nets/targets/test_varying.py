"""Networks of several sizes from one hypernetwork."""

import pytest
import torch
from torch import nn

from hyperrl.nets import STRATEGIES, HyperNetwork, VaryingMLP
from tests.nets.cases import assert_equal, moved


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_smaller_networks_hold_no_unit_that_is_not_used(strategy: str) -> None:
    target = VaryingMLP(3, 2, 6, 3)
    hyper = HyperNetwork(2, target, strategy, rank=2)
    moved(hyper)
    weights, x = hyper(torch.randn(4, 2)), torch.randn(4, 3)
    y = target(x, weights, target.sizes([(2, 4), (6,), (1, 1, 1), (6, 6, 6)]))
    plain = target.specialize(weights, 0, (2, 4))
    shapes = [tuple(module.weight.shape) for module in plain if isinstance(module, nn.Linear)]
    assert shapes == [(2, 3), (4, 2), (2, 4)]
    assert_equal(plain(x[:1]), y[:1])
    assert_equal(target.specialize(weights, 3)(x[3:]), y[3:])


def test_every_size_starts_with_the_statistics_of_its_own() -> None:
    torch.manual_seed(0)
    target = VaryingMLP(64, 64, 64, 3, nn.Identity, gain=1.0)
    hyper = HyperNetwork(2, target)
    x = torch.randn(400, 64)
    weights = hyper(torch.rand(400, 2) * 2 - 1)
    for hidden in [(64, 64, 64), (16, 16, 16), (8,), (32, 4)]:
        y = target(x, weights, target.sizes([hidden]))
        assert y.detach().square().mean() == pytest.approx(1.0, rel=0.35)


def test_sizes_that_do_not_fit_are_named() -> None:
    target = VaryingMLP(3, 2, 6, 2)
    for hidden in [(), (7,), (0,), (1, 1, 1)]:
        with pytest.raises(ValueError, match="1 to 2 sizes of 1 to 6"):
            target.sizes([(2,), hidden])
    with pytest.raises(ValueError, match="width: found 0; allowed: a whole number, 1 or more"):
        VaryingMLP(3, 2, 0)
