"""Recurrent targets."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from hyperrl.nets import GRU, HyperNetwork
from tests.nets.cases import assert_equal, moved, of_task


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


def test_gates_start_as_orthogonal_matrices_of_one_gate_do() -> None:
    torch.manual_seed(0)
    target = GRU(32, 2, 32)
    dense = HyperNetwork(2, target)(torch.rand(8, 2)).dense()
    for name in ("input", "recurrent"):
        assert dense[f"{name}.weight"].detach().square().mean() == pytest.approx(1 / 32, rel=0.1)
