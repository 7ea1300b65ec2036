"""Elementwise activations whose derivative follows from their outputs."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

_aten = torch.ops.aten


class FusedActivation(ABC):
    """An activation, and how gradients pass it."""

    @abstractmethod
    def forward(self, y: Tensor) -> Tensor:
        """The outputs; without a graph they are written over ``y``."""

    @abstractmethod
    def backward(self, gradient: Tensor, outputs: Tensor, out: Tensor) -> None:
        """Writes the gradient of the inputs to ``out``, given the outputs and their gradient."""


class _Tanh(FusedActivation):
    def forward(self, y: Tensor) -> Tensor:
        return torch.tanh(y) if torch.is_grad_enabled() else torch.tanh_(y)

    def backward(self, gradient: Tensor, outputs: Tensor, out: Tensor) -> None:
        _aten.tanh_backward.grad_input(gradient, outputs, grad_input=out)


class _ReLU(FusedActivation):
    def forward(self, y: Tensor) -> Tensor:
        return torch.relu(y) if torch.is_grad_enabled() else torch.relu_(y)

    def backward(self, gradient: Tensor, outputs: Tensor, out: Tensor) -> None:
        _aten.threshold_backward.grad_input(gradient, outputs, 0, grad_input=out)


FUSED_ACTIVATIONS: dict[type[nn.Module], FusedActivation] = {nn.Tanh: _Tanh(), nn.ReLU: _ReLU()}
"""By the class of the module that they stand for."""
