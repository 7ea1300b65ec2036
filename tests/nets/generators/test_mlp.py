"""A multilayer perceptron as generator, and a linear one."""

from typing import Any

import pytest
import torch

from hyperrl.nets import MLP, HyperNetwork


def test_features_are_a_multilayer_perceptrons() -> None:
    hyper = HyperNetwork(3, MLP(4, 2), hidden=(6, 5))
    assert hyper.generator.layers is not None
    first, first_bias, second, second_bias, *_ = hyper.generator.layers()
    x = torch.rand(7, 3)
    expected = torch.tanh(torch.tanh(x @ first + first_bias) @ second + second_bias)
    torch.testing.assert_close(hyper.generator(x).features, expected)


@pytest.mark.parametrize("options", [{"architecture": "linear"}, {"hidden": ()}])
def test_without_hidden_layers_outputs_are_linear_in_the_descriptor(options: dict[str, Any]) -> None:
    hyper = HyperNetwork(3, MLP(4, 2), **options)
    x = torch.rand(7, 3)
    assert hyper.generator(x).features is x
