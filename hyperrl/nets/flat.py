"""Many tensors as one parameter."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn


class _Unflatten(torch.autograd.Function):
    """Views of a flat tensor, as one step of the backward pass instead of one a view."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, places: list[tuple[torch.Size, tuple[int, ...], int]]) -> Any:
        start = values.storage_offset()
        return tuple(values.as_strided(shape, stride, start + offset) for shape, stride, offset in places)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return torch.cat([gradient.flatten() for gradient in gradients]), None


class Flat(nn.Module):
    """Holds tensors as one flat parameter and hands out views of them.

    What an optimiser, gradient clipping and saving pay for each parameter tensor they then pay once; for
    small networks that is a good part of an update.

    Args:
        tensors: The initial values, of any shapes.
    """

    def __init__(self, tensors: Sequence[Tensor]) -> None:
        super().__init__()
        self._places = []
        offset = 0
        for tensor in tensors:
            self._places.append((tensor.shape, tensor.contiguous().stride(), offset))
            offset += tensor.numel()
        self.values = nn.Parameter(torch.cat([tensor.flatten() for tensor in tensors]))

    def forward(self) -> list[Tensor]:
        """The tensors, in order; gradients and changes in place reach the parameter."""
        pieces: tuple[Tensor, ...] = _Unflatten.apply(self.values, self._places)  # type: ignore[no-untyped-call]
        return list(pieces)
