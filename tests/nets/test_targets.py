"""Targets as plain networks of one task, at the start, and what they refuse."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from hyperrl.nets import CNN, GRU, MLP, HyperNetwork, VaryingMLP
from hyperrl.nets.strategies import STRATEGIES
from tests.nets.cases import CASES, moved, of_task
from tests.nets.test_executions import assert_equal


def parts(plain: Any, generated: Any) -> list[tuple[Tensor, Tensor]]:
    """What a plain network gives beside what a target gives, latent left out."""
    both = zip(plain, generated, strict=True) if isinstance(plain, tuple) else [(plain, generated)]
    return [(one, other[..., : one.shape[-1]]) for one, other in both]


SPECIALIZED = [kind for kind in CASES if kind not in ("varying", "actor-critic")]


@pytest.mark.parametrize("kind", [kind for kind in SPECIALIZED if kind != "module"])
def test_plain_network_of_one_task_with_adapters_that_have_an_activation(kind: str) -> None:
    case = CASES[kind]()
    options = {"activation": nn.ReLU, "rank": 2}
    hyper = HyperNetwork(2, case.target, "adapter", hidden=(4,), strategy_options=options)
    moved(hyper)
    descriptors, x = torch.randn(4, 2), torch.randn(3, *case.shape)
    more = case.rest(slice(3))
    plain = case.target.specialize(hyper(descriptors), task=2)
    for one, other in parts(plain(x, *more), case.target(x, hyper(descriptors[2:3]), *more)):
        assert_equal(one, other)


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("kind", SPECIALIZED)
def test_plain_network_of_one_task(kind: str, strategy: str) -> None:
    torch.manual_seed(0)
    case = CASES[kind]()
    hyper = HyperNetwork(2, case.target, strategy, rank=2, hidden=(4,))
    moved(hyper)
    descriptors, x = torch.randn(4, 2), torch.randn(3, *case.shape)
    more = case.rest(slice(3))
    plain = case.target.specialize(hyper(descriptors), task=2)
    for one, other in parts(plain(x, *more), case.target(x, hyper(descriptors[2:3]), *more)):
        assert_equal(one, other)
    assert not any(parameter.requires_grad for parameter in plain.parameters())


def test_plain_networks_are_made_of_torchs_own_layers() -> None:
    mlp = MLP(3, 2, (12, 12, 9), nn.ELU, layer_norm=True, residual=True)
    plain = mlp.specialize(HyperNetwork(2, mlp)(torch.zeros(1, 2)))
    names = [type(module).__name__ for module in plain.modules()]
    block = ["Linear", "LayerNorm", "ELU"]
    assert names == ["Sequential", *block, "Residual", *block, *block, "Linear"]
    cnn = CASES["cnn"]().target
    plain = cnn.specialize(HyperNetwork(2, cnn)(torch.zeros(1, 2)))
    names = [type(module).__name__ for module in plain]
    assert names == ["Conv2d", "Tanh", "Conv2d", "Tanh", "Flatten", "Linear", "Tanh", "Linear"]


def test_gru_is_torchs() -> None:
    target = GRU(3, 2, 4)
    hyper = HyperNetwork(2, target)
    moved(hyper)
    weights = hyper(torch.randn(1, 2))
    dense = of_task(weights.dense(), 0)
    plain = nn.GRU(3, 4, batch_first=True)
    with torch.no_grad():
        for name, own in [("input", "ih"), ("recurrent", "hh")]:
            for kind in ("weight", "bias"):
                plain.get_parameter(f"{kind}_{own}_l0").copy_(dense[f"{name}.{kind}"])
    x, state = torch.randn(6, 5, 3), torch.randn(6, 4)
    latent, last = plain(x, state[None])
    y, found = target(x, weights, state)
    assert_equal(found, last[0])
    assert_equal(y, functional.linear(latent, dense["output.weight"], dense["output.bias"]))
    first, between = target(x[:, :2], weights, state)
    second, end = target(x[:, 2:], weights, between)
    assert_equal(torch.cat([first, second], dim=1), y)
    assert_equal(end, found)


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


def test_gates_start_as_orthogonal_matrices_of_one_gate_do() -> None:
    torch.manual_seed(0)
    target = GRU(32, 2, 32)
    dense = HyperNetwork(2, target)(torch.rand(8, 2)).dense()
    for name in ("input", "recurrent"):
        assert dense[f"{name}.weight"].detach().square().mean() == pytest.approx(1 / 32, rel=0.1)


def test_norms_start_near_one_and_zero() -> None:
    target = MLP(3, 2, (64,), layer_norm=True)
    plain = target.specialize(HyperNetwork(2, target)(torch.rand(1, 2)))
    norm = plain[1]
    assert isinstance(norm, nn.LayerNorm)
    assert (norm.weight - 1).abs().max() < 0.1
    assert norm.bias.abs().max() < 0.1


def test_scale_and_shift_of_norms_can_be_shared() -> None:
    target = MLP(3, 2, (6,), layer_norm=True)
    hyper = HyperNetwork(2, target, generate=["0", "1"])
    moved(hyper)
    dense = hyper(torch.randn(3, 2)).dense()
    assert torch.equal(dense["norm.0.weight"][0], dense["norm.0.weight"][1])
    assert not torch.equal(dense["0.weight"][0], dense["0.weight"][1])


def test_shapes_that_do_not_fit_are_named() -> None:
    with pytest.raises(ValueError, match=r"convolutions\[1\]: found kernel size 3.*at most 2"):
        CNN((1, 5, 6), 2, ((4, 3, 2), (4, 3, 1)))
    target = VaryingMLP(3, 2, 6, 2)
    for hidden in [(), (7,), (0,), (1, 1, 1)]:
        with pytest.raises(ValueError, match="1 to 2 sizes of 1 to 6"):
            target.sizes([(2,), hidden])
    with pytest.raises(ValueError, match="width: found 0; allowed: a whole number, 1 or more"):
        VaryingMLP(3, 2, 0)
