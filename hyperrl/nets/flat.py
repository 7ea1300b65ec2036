"""Many tensors as one parameter."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

Place = tuple[torch.Size, tuple[int, ...], int]
"""Shape, strides and offset of a piece."""


class _Unflatten(torch.autograd.Function):
    """Views of a flat tensor, as one step of the backward pass instead of one a view."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, places: list[Place]) -> Any:
        ctx.places, ctx.start, ctx.size, ctx.room = places, values.storage_offset(), len(values), None
        return tuple(values.as_strided(shape, stride, ctx.start + offset) for shape, stride, offset in places)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        room, ctx.room = ctx.room, None
        if room is None or torch.is_grad_enabled():
            return torch.cat([gradient.flatten() for gradient in gradients]), None
        for gradient, (shape, stride, offset) in zip(gradients, ctx.places, strict=True):
            own = room.as_strided(shape, stride, offset)
            if gradient.data_ptr() != own.data_ptr():
                own.copy_(gradient)
        return room, None


def room_for_gradients(node: object, pieces: Sequence[Tensor]) -> list[Tensor]:
    """New tensors to write the gradients of pieces into, within a backward pass.

    Where the pieces are of a :class:`Flat`, they lie in one tensor as the pieces do, and what is written
    there is not copied on its way to the parameter.

    Args:
        node: The ``grad_fn`` of the first piece, when it was used.
        pieces: Tensors whose gradients are asked for.
    """
    if not hasattr(node, "room") or any(piece.dtype != pieces[0].dtype for piece in pieces):
        return [torch.empty_like(piece, memory_format=torch.contiguous_format) for piece in pieces]
    context: Any = node
    context.room = pieces[0].new_empty(context.size)
    return [
        context.room.as_strided(piece.shape, piece.stride(), piece.storage_offset() - context.start)
        for piece in pieces
    ]


class Flat(nn.Module):
    """Holds tensors as one flat parameter and hands out views of them.

    What an optimizer, gradient clipping and saving pay for each parameter tensor they then pay once; for
    small networks that is a good part of an update.

    Args:
        tensors: The initial values, of any shapes.
    """

    def __init__(self, tensors: Sequence[Tensor]) -> None:
        super().__init__()
        self._places: list[Place] = []
        offset = 0
        for tensor in tensors:
            self._places.append((tensor.shape, tensor.contiguous().stride(), offset))
            offset += tensor.numel()
        self.values = nn.Parameter(torch.cat([tensor.flatten() for tensor in tensors]))

    def forward(self) -> list[Tensor]:
        """The tensors, in order; gradients and changes in place reach the parameter."""
        pieces: tuple[Tensor, ...] = _Unflatten.apply(self.values, self._places)  # type: ignore[no-untyped-call]
        return list(pieces)
