"""Activations and their derivatives are torch's."""

import pytest
import torch
from torch import nn

from hyperrl.nets.fused import FUSED_ACTIVATIONS


@pytest.mark.parametrize("kind", FUSED_ACTIVATIONS)
def test_values_and_gradients(kind: type[nn.Module]) -> None:
    torch.manual_seed(0)
    x = torch.randn(5, 4, requires_grad=True)
    y, upstream = kind()(x), torch.randn(5, 4)
    (expected,) = torch.autograd.grad(y, x, upstream)
    fused, out = FUSED_ACTIVATIONS[kind], torch.empty(4, 5).t()
    torch.testing.assert_close(fused.forward(x.detach()), y.detach())
    fused.backward(upstream, y.detach(), out)
    torch.testing.assert_close(out, expected)
