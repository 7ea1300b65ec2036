"""How a specialist's outputs become an action, in NumPy and in ONNX."""

from __future__ import annotations

import math
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from hyperrl.deploy.layers import Array, Dense, Function, Size, Sizes, Starts
from hyperrl.deploy.validate import ArrayChecks
from hyperrl.masks import ACTION_MASKS, Masks
from hyperrl.recipes.base import Model

if TYPE_CHECKING:
    from hyperrl.deploy.onnx_graph import OnnxGraph

BOUNDS = ("action.low", "action.high")
"""Names of the arrays of an action's bounds."""
OUTPUT = "action"
"""Name of a graph's output."""
_LOWEST = np.finfo(np.float32).min


class Action(Model):
    """The rule by which the last layer's outputs become an action.

    Attributes:
        rule: `clip`, to bounds; `unscale`, from [-1, 1] to the bounds; `argmax` over each of `sizes` outputs;
            `positive`, 1 where an output is above 0. Bounds are the arrays `action.low` and `action.high`.
        shape: of one action.
        sizes: as above.
        starts: what is added to the place of the largest of each of `sizes` outputs; older files have none.
        masked: whether action masks, an entry for each output, leave some choices out; older files have none.
    """

    rule: Literal["clip", "unscale", "argmax", "positive"]
    shape: Sizes
    sizes: Annotated[tuple[Size, ...], Field(max_length=4096)] = ()
    starts: Starts = ()
    masked: bool = False

    @property
    def dtype(self) -> type[np.float32 | np.int64]:
        """Type of an action."""
        return np.float32 if self.rule in ("clip", "unscale") else np.int64

    @property
    def cuts(self) -> list[int]:
        """Where the outputs of one choice end and those of the next begin, 0 and their number among them."""
        return list(accumulate(self.sizes, initial=0))

    def outputs(self, arrays: ArrayChecks) -> int:
        """How many outputs it needs; raises MismatchError."""
        entries = math.prod(self.shape)
        if self.dtype is np.float32:
            for name in BOUNDS:
                arrays.array(name, self.shape)
        if self.rule != "argmax":
            arrays.need(not self.masked, "action.masked and action.rule")
            return entries
        arrays.need(len(self.sizes) == entries, "action.sizes and action.shape")
        arrays.need(len(self.starts) in (0, entries), "action.starts and action.shape")
        return sum(self.sizes)

    def without(self, x: Array, masks: Masks) -> Array:
        """Outputs (batch, outputs) of which no masked choice (batch, outputs) can be the largest."""
        return np.where(masks, np.maximum(x, _LOWEST), np.float32(-np.inf))

    def numpy(self, dense: Dense) -> Function:
        """A function of a batch of outputs, to actions."""
        shape = self.shape
        if self.dtype is np.float32:
            low, high = (dense(name) for name in BOUNDS)
            if self.rule == "clip":
                return lambda x: np.minimum(np.maximum(x.reshape(len(x), *shape), low), high)
            half = 0.5 * (high - low)
            return lambda x: low + (x.reshape(len(x), *shape) + 1) * half
        if self.rule == "positive":
            return lambda x: (x > 0).astype(np.int64).reshape(len(x), *shape)
        starts = np.array(self.starts or 0, np.int64)
        inner = self.cuts[1:-1]

        def choose(x: Array) -> Array:
            places = np.stack([part.argmax(axis=1) for part in np.split(x, inner, axis=1)], axis=1)
            return (places + starts).reshape(len(x), *shape)

        return choose

    def onnx(self, x: str, graph: OnnxGraph) -> None:
        """Add the graph's nodes from outputs to actions, the graph's result."""
        if self.rule == "argmax":
            self._argmax_onnx(x, graph)
            return
        x = graph.reshape(x, (-1, *self.shape))
        if self.rule == "positive":
            graph.cast(graph.add("Greater", x, graph.constant(0)), np.int64, OUTPUT)
            return
        low, high = (graph.array(name) for name in BOUNDS)
        if self.rule == "clip":
            graph.add("Min", graph.add("Max", x, low), high, output=OUTPUT)
            return
        half = graph.add("Mul", graph.add("Sub", high, low), graph.constant(0.5))
        above = graph.add("Mul", graph.add("Add", x, graph.constant(1)), half)
        graph.add("Add", above, low, output=OUTPUT)

    def _argmax_onnx(self, x: str, graph: OnnxGraph) -> None:
        """The index of the largest output; NaN counts as the largest, as in NumPy and torch.

        ONNX's ArgMax passes over NaN, so that a graph would act otherwise than the agent where observations
        are not finite.
        """
        finite = graph.add("Min", x, graph.constant(np.finfo(np.float32).max))
        x = graph.add("Where", graph.add("IsNaN", x), graph.constant(np.inf), finite)
        if self.masked:
            masks = graph.optional(ACTION_MASKS, np.ones((1, sum(self.sizes)), np.bool_))
            finite = graph.add("Max", x, graph.constant(_LOWEST))
            x = graph.add("Where", masks, finite, graph.constant(-np.inf))
        if not self.shape:
            place = graph.add("ArgMax", x, axis=1, keepdims=0)
            graph.add("Add", place, graph.constant(sum(self.starts), np.int64), output=OUTPUT)
            return
        places = []
        for start, end in pairwise(self.cuts):
            bounds = [graph.constant([each], np.int64) for each in (start, end, 1)]
            places.append(graph.add("ArgMax", graph.add("Slice", x, *bounds), axis=1, keepdims=1))
        joined = graph.add("Concat", *places, axis=1)
        if any(self.starts):
            joined = graph.add("Add", joined, graph.constant(self.starts, np.int64))
        graph.reshape(joined, (-1, *self.shape), OUTPUT)
