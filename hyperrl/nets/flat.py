"""Many tensors as one parameter, and weights of tasks materialized from it in one step.

Their gradients are written directly into the gradient of the parameter.
"""

from collections.abc import Sequence
from math import prod
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

Place = tuple[tuple[int, ...], tuple[int, ...], int]
"""Shape, strides and offset of a piece."""


class _Unflatten(torch.autograd.Function):
    """Views of a flat tensor, with one step of the backward pass for all of them."""

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
            place = room.as_strided(shape, stride, offset)
            if gradient.data_ptr() != place.data_ptr():
                place.copy_(gradient)
        return room, None


def room_for_gradients(node: object, pieces: Sequence[Tensor]) -> list[Tensor]:
    """New tensors to write the gradients of pieces into, within a backward pass.

    If the pieces belong to a :class:`Flat`, the new tensors are views of its parameter's gradient, and need
    not be copied.

    Args:
        node: The ``grad_fn`` of the first piece, when it was used.
        pieces: Tensors whose gradients are needed.
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
    """Holds tensors as one flat parameter and returns views of them.

    Optimizers, gradient clipping and saving cost time for each parameter tensor; for small networks this is
    a large part of an update.

    Args:
        tensors: The initial values, of any shapes; the shape alone of one that starts at zero, or that the
            caller fills where it is to lie. A large one takes less time and memory so.

    Attributes:
        places: Where each tensor lies in the parameter.
    """

    def __init__(self, tensors: Sequence[Tensor | tuple[int, ...]]) -> None:
        super().__init__()
        self.places: list[Place] = []
        offset = 0
        for tensor in tensors:
            shape = tuple(tensor.shape) if isinstance(tensor, Tensor) else tensor
            self.places.append((shape, _strides(shape), offset))
            offset += prod(shape)
        self.values = nn.Parameter(torch.zeros(offset))
        with torch.no_grad():
            for piece, tensor in zip(self(), tensors, strict=True):
                if isinstance(tensor, Tensor):
                    piece.copy_(tensor)

    def forward(self) -> list[Tensor]:
        """The tensors, in order; gradients and changes in place reach the parameter."""
        pieces: tuple[Tensor, ...] = _Unflatten.apply(self.values, self.places)  # type: ignore[no-untyped-call]
        return list(pieces)


def _strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Strides of a contiguous tensor."""
    return tuple(prod(shape[axis + 1 :]) for axis in range(len(shape)))


def materialize(
    features: Float[Tensor, "task features"],
    weight: Float[Tensor, "features outputs"],
    bias: Float[Tensor, " outputs"],
    shapes: Sequence[tuple[int, ...]],
) -> list[Tensor]:
    """``features @ weight + bias``, cut into tensors of the given shapes, (task, *shape) each.

    Args:
        features: What the last layer sees of each task.
        weight: Of the last layer.
        bias: Likewise.
        shapes: Their entries add up to all outputs.
    """
    pieces: tuple[Tensor, ...] = _Materialize.apply(features, weight, bias, shapes)  # type: ignore[no-untyped-call]
    return list(pieces)


def cut(outputs: Float[Tensor, "task outputs"], shapes: Sequence[tuple[int, ...]]) -> list[Tensor]:
    """Outputs cut into tensors of the given shapes, (task, *shape) each."""
    sizes = [torch.Size(shape).numel() for shape in shapes]
    parts = torch.split(outputs, sizes, dim=1)
    return [part.view(-1, *shape) for part, shape in zip(parts, shapes, strict=True)]


class _Materialize(torch.autograd.Function):
    """As :func:`materialize`; the gradient of the last layer is written where its parameter's lies."""

    @staticmethod
    def forward(
        ctx: Any, features: Tensor, weight: Tensor, bias: Tensor, shapes: Sequence[tuple[int, ...]]
    ) -> Any:
        ctx.save_for_backward(features, weight, bias)
        ctx.node = weight.grad_fn
        return tuple(cut(torch.addmm(bias, features, weight), shapes))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None, None]:
        features, weight, bias = ctx.saved_tensors
        upstream = torch.cat([gradient.flatten(1) for gradient in gradients], dim=1)
        of_features = upstream @ weight.t() if ctx.needs_input_grad[0] else None
        if torch.is_grad_enabled() or not (ctx.needs_input_grad[1] and ctx.needs_input_grad[2]):
            return of_features, features.t() @ upstream, upstream.sum(dim=0), None
        of_weight, of_bias = room_for_gradients(ctx.node, (weight, bias))
        torch.mm(features.t(), upstream, out=of_weight)
        torch.sum(upstream, dim=0, out=of_bias)
        return of_features, of_weight, of_bias, None
