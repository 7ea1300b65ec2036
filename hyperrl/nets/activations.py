"""Elementwise activations: by their names in recipes, or as classes of torch.nn's."""

from typing import Any

import torch
from torch import nn

from hyperrl.arguments import Constraint


def _makes_module(value: Any) -> bool:
    """Whether a call without arguments returns a module; random generators stay as they are."""
    if isinstance(value, nn.Module) or not callable(value):
        return False
    with torch.random.fork_rng(devices=[]):
        try:
            return isinstance(value(), nn.Module)
        except TypeError:
            return False


ACTIVATION = Constraint("a class of torch.nn's, such as torch.nn.Tanh", _makes_module)
"""An activation as an argument in Python."""
