"""Generated weights of networks that are applied in one step of automatic differentiation."""

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from hyperrl.nets.fused.generator import CodeSource
from hyperrl.nets.fused.networks import Branch, FusedNetworks, GradientRoom, Pass, WeightInputs
from hyperrl.nets.fused.rows import Rows


@dataclass
class FusedWeights:
    """Generated weights of the tasks of a batch; they are generated where the networks are applied.

    Args:
        source: Generates the numbers that make the weights of tasks.
        tensors: What it generates them from.
        rows: Of the batch.
        flat: The parameter that holds what all tasks share.
        networks: The networks that they are for.
        seconds: Spent generating.
    """

    source: CodeSource
    tensors: Sequence[Tensor]
    rows: Rows
    flat: Float[Tensor, " entries"]
    networks: FusedNetworks
    seconds: float = 0.0

    def apply(self, x: Float[Tensor, "row inputs"], *names: str) -> list[Tensor]:
        """The outputs (row, outputs) of the named networks on the same rows, in the networks' own order."""
        if not torch.is_grad_enabled():
            codes, _ = self.codes(self.tensors)
            return _forward(self.networks.branches(names), x, _given(codes, self.flat, self.rows))[0]
        outputs: tuple[Tensor, ...] = _Apply.apply(self, names, x, self.flat, *self.tensors)  # type: ignore[no-untyped-call]
        return list(outputs)

    def codes(self, tensors: Sequence[Tensor]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """The numbers of each task, and what the source's backward pass needs."""
        start = perf_counter()
        codes, saved = self.source.forward(*tensors)
        self.seconds += perf_counter() - start
        return codes, saved


def _forward(
    branches: Sequence[Branch], x: Tensor, given: WeightInputs
) -> tuple[list[Tensor], list[list[Pass]]]:
    """The outputs of all networks in their order, and each branch's passes."""
    outputs: dict[int, Tensor] = {}
    passes: list[list[Pass]] = []
    for branch in branches:
        passes.append([])
        outputs |= zip(branch.numbers, branch.forward(x, given, passes[-1]), strict=True)
    return [outputs[number] for number in range(len(outputs))], passes


class _Apply(torch.autograd.Function):
    """All networks of a batch as one operation."""

    @staticmethod
    def forward(
        ctx: Any, weights: FusedWeights, names: tuple[str, ...], x: Tensor, flat: Tensor, *tensors: Tensor
    ) -> Any:
        codes, saved = weights.codes(tensors)
        given = _given(codes, flat, weights.rows)
        branches = weights.networks.branches(names)
        outputs, passes = _forward(branches, x, given)
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(x, flat, *tensors)
        ctx.tasks, ctx.every = len(codes), len(outputs) == len(weights.networks.chains)
        ctx.weights, ctx.branches, ctx.given, ctx.passes, ctx.saved = weights, branches, given, passes, saved
        return tuple(outputs)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> Any:
        if torch.is_grad_enabled():
            return None, None, *_differentiable(ctx, gradients)
        x, flat, *tensors = ctx.saved_tensors
        _, _, of_x, of_flat, *of_tensors = ctx.needs_input_grad
        rows: Rows = ctx.weights.rows
        by_layer: Rows | None = ctx.given.rows
        every = ctx.every and all(gradient is not None for gradient in gradients)
        new = torch.Tensor.new_empty if every else torch.Tensor.new_zeros
        of_codes: Tensor | None = None
        if any(of_tensors):
            codes = ctx.given.codes
            of_codes = new(codes, (len(x) if by_layer is None else ctx.tasks, codes.shape[1]))
        room = GradientRoom(of_codes, new(flat, flat.shape) if of_flat else None, by_layer)
        total: Tensor | None = None
        for branch, passes in zip(ctx.branches, ctx.passes, strict=True):
            own = [gradients[number] for number in branch.numbers]
            if any(gradient is not None for gradient in own):
                of_branch = branch.backward(own, passes, room, of_x)
                total = of_branch if total is None or of_branch is None else total + of_branch
        below = [None] * len(tensors)
        if of_codes is not None:
            of_tasks = rows.collect(of_codes, ctx.tasks) if by_layer is None else of_codes
            below = ctx.weights.source.backward(of_tasks, tensors, ctx.saved, of_tensors)
        return None, None, total, room.flat, *below


def _given(codes: Tensor, flat: Tensor, rows: Rows) -> WeightInputs:
    if rows.by_layer(codes.shape[1]):
        return WeightInputs(codes, flat, rows)
    return WeightInputs(rows.spread(codes), flat, None)


def _differentiable(ctx: Any, gradients: Sequence[Tensor | None]) -> list[Tensor | None]:
    """Gradients that can be differentiated again: those of the same operations one by one."""
    # Inputs may be made from one another; the gradient of one must not pass through another.
    x, flat, *tensors = inputs = [tensor.view_as(tensor) for tensor in ctx.saved_tensors]
    needed = ctx.needs_input_grad[2:]
    codes, _ = ctx.weights.source.forward(*tensors)
    outputs, _ = _forward(ctx.branches, x, _given(codes, flat, ctx.weights.rows))
    pairs = [(y, gradient) for y, gradient in zip(outputs, gradients, strict=True) if gradient is not None]
    found = iter(
        torch.autograd.grad(
            [y for y, _ in pairs],
            [tensor for tensor, wanted in zip(inputs, needed, strict=True) if wanted],
            [gradient for _, gradient in pairs],
            create_graph=True,
            allow_unused=True,
        )
    )
    return [next(found) if wanted else None for wanted in needed]
