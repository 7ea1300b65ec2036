"""The weights of tasks, formed by the generator's last layer: one step each way for all layers."""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from hyperrl.nets.flat import room_for_gradients


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
