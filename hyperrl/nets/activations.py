"""Elementwise activations: by their names in recipes, or as classes of torch.nn's."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from hyperrl.arguments import Constraint
from hyperrl.config import ActivationName

ACTIVATIONS: dict[ActivationName, type[nn.Module]] = {
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
}


def _makes_module(value: Any) -> bool:
    """Whether a call without arguments returns a module; random generators stay as they are."""
    if isinstance(value, nn.Module) or not callable(value):
        return False
    if value in ACTIVATIONS.values():  # known to; the state of torch's generator takes a millisecond to copy
        return True
    with torch.random.fork_rng(devices=[]):
        try:
            return isinstance(value(), nn.Module)
        except TypeError:
            return False


ACTIVATION = Constraint("a class of torch.nn's, such as torch.nn.Tanh", _makes_module)
"""An activation as an argument in Python."""


def activation_class(name: str, value: Any) -> Callable[[], nn.Module]:
    """The class of an activation.

    Args:
        name: Of the argument, for the message.
        value: A name in :data:`ACTIVATIONS`, or a class.

    Raises:
        ArgumentError: What is called makes no module.
    """
    activation: Callable[[], nn.Module] = ACTIVATIONS.get(value, value)
    ACTIVATION.check(name, activation)
    return activation
