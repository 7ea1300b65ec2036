"""Multilayer perceptrons with normalization and residual layers."""

import torch
from torch import nn

from hyperrl.nets import MLP, HyperNetwork
from tests.nets.cases import moved


def test_the_plain_network_is_made_of_torchs_own_layers() -> None:
    mlp = MLP(3, 2, (12, 12, 9), nn.ELU, layer_norm=True, residual=True)
    plain = mlp.specialize(HyperNetwork(2, mlp)(torch.zeros(1, 2)))
    names = [type(module).__name__ for module in plain.modules()]
    block = ["Linear", "LayerNorm", "ELU"]
    assert names == ["Sequential", *block, "Residual", *block, *block, "Linear"]


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
