"""Activations by name and by class."""

import pytest
import torch
from torch import nn

from hyperrl.nets.activations import ACTIVATIONS, activation_class


def test_an_activation_is_a_name_or_makes_a_module() -> None:
    assert activation_class("activation", "relu") is nn.ReLU
    assert activation_class("activation", nn.PReLU) is nn.PReLU
    assert isinstance(activation_class("activation", lambda: nn.LeakyReLU(0.2))(), nn.LeakyReLU)
    assert all(issubclass(activation, nn.Module) for activation in ACTIVATIONS.values())
    for wrong in ("tahn", nn.Tanh(), torch.tanh, nn.Linear):
        with pytest.raises(ValueError, match=r"activation: found .*; allowed: a class of torch.nn's"):
            activation_class("activation", wrong)


def test_trying_an_activation_draws_no_numbers() -> None:
    torch.manual_seed(0)
    before = torch.get_rng_state()
    activation_class("activation", lambda: nn.Linear(3, 3))
    assert torch.equal(torch.get_rng_state(), before)
