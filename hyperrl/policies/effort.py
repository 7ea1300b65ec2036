"""The price of effort."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from torch import Tensor, nn


class Effort(nn.Module):
    """Adds ``coef`` times the mean over rows of |u|^2 to whatever loss is differentiated.

    u is the mean action in units in which its bounds are -1 and 1, where it has bounds. Among policies that
    are as good, the one is then learned that does least: a generated controller is no steeper than its task
    asks for, and stays stable on tasks where the same action carries further. It is the price of control in
    a linear-quadratic regulator, and the mean regularization in the first code of SAC (Haarnoja et al.,
    ICML 2018).

    Args:
        coef: Weight, 0 or more.
        space: The actions.
    """

    center: Tensor
    square: Tensor

    def __init__(self, coef: float, space: spaces.Box) -> None:
        super().__init__()
        self.coef = coef
        low, high = space.low.flatten().astype(np.float64), space.high.flatten().astype(np.float64)
        bounded = np.isfinite(low) & np.isfinite(high)
        center, reach = np.zeros_like(low), np.ones_like(low)
        center[bounded] = (low[bounded] + high[bounded]) / 2
        reach[bounded] = (high[bounded] - low[bounded]) / 2
        self.register_buffer("center", torch.as_tensor(center, dtype=torch.float32), persistent=False)
        self.register_buffer("square", torch.as_tensor(reach, dtype=torch.float32).square(), persistent=False)

    def forward(self, means: Tensor) -> Tensor:
        """The means (row, action) unchanged; their gradient will be added to."""
        if not means.requires_grad:
            return means
        priced: Tensor = _Priced.apply(means, self)  # type: ignore[no-untyped-call]
        return priced

    def added_to(self, gradient: Tensor, means: Tensor) -> Tensor:
        """A gradient of the means (row, action), and the price's, which does not learn through the means."""
        apart = means.detach() - self.center
        return torch.addcdiv(gradient, apart, self.square, value=2 * self.coef / len(means))


class _Priced(torch.autograd.Function):
    """The identity, whose gradient has that of the price added to it."""

    @staticmethod
    def forward(ctx: Any, means: Tensor, effort: Effort) -> Tensor:
        ctx.save_for_backward(means)
        ctx.effort = effort
        return means.view_as(means)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (means,) = ctx.saved_tensors
        return ctx.effort.added_to(gradient, means), None


@contextmanager
def without_price(policy: nn.Module) -> Iterator[None]:
    """Within it effort has no price, so that gradients of actions are those of the actions alone."""
    priced = [module for module in policy.modules() if isinstance(module, Effort)]
    before = [module.coef for module in priced]
    for module in priced:
        module.coef = 0.0
    try:
        yield
    finally:
        for module, coef in zip(priced, before, strict=True):
            module.coef = coef
