"""Many tensors as one parameter."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn


class _Unflatten(torch.autograd.Function):
    """Views of a flat tensor, as one step of the backward pass instead of one a view."""

    @staticmethod
    def forward(
        ctx: Any, values: Tensor, sizes: list[int], shapes: Sequence[torch.Size]
    ) -> tuple[Tensor, ...]:
        pieces = torch.split(values, sizes)
        return tuple(piece.view(shape) for piece, shape in zip(pieces, shapes, strict=True))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        return torch.cat([gradient.flatten() for gradient in gradients]), None, None


class Flat(nn.Module):
    """Holds tensors as one flat parameter and hands out views of them.

    What an optimiser, gradient clipping and saving pay for each parameter tensor they then pay once; for
    small networks that is a good part of an update.

    Args:
        tensors: The initial values, of any shapes.
    """

    def __init__(self, tensors: Sequence[Tensor]) -> None:
        super().__init__()
        self._shapes = [tensor.shape for tensor in tensors]
        self._sizes = [tensor.numel() for tensor in tensors]
        self.values = nn.Parameter(torch.cat([tensor.flatten() for tensor in tensors]))

    def forward(self) -> list[Tensor]:
        """The tensors, in order; gradients and changes in place reach the parameter."""
        pieces: tuple[Tensor, ...] = _Unflatten.apply(self.values, self._sizes, self._shapes)  # type: ignore[no-untyped-call]
        return list(pieces)
