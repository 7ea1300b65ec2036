"""A residual multilayer perceptron as generator."""

import torch
from torch import nn
from torch.nn import functional

from hyperrl.nets import MLP, HyperNetwork


def test_blocks_add_to_what_they_see() -> None:
    hyper = HyperNetwork(3, MLP(4, 2), architecture="residual", hidden=(6, 6), activation=nn.ReLU)
    assert hyper.generator.layers is not None
    weight, bias, into, into_bias, out, out_bias, *_ = hyper.generator.layers()
    x = torch.rand(7, 3)
    h = torch.relu(x @ weight + bias)
    change = torch.relu(functional.layer_norm(h, (6,)) @ into + into_bias) @ out + out_bias
    torch.testing.assert_close(hyper.generator(x).features, h + change)
