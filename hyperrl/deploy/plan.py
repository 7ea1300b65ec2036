"""A specialist: the plain network that acts on one task, from which every format is written.

An observation is prepared as Stable-Baselines3 does, passes through layers, and the last layer's outputs
become an action. Nothing of the hypernetwork, the context or torch is left.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from hyperrl.deploy.actions import BOUNDS, Action
from hyperrl.deploy.layers import (
    Array,
    Convolution,
    Dense,
    Function,
    Key,
    Layer,
    Layers,
    Linear,
    Sizes,
    Starts,
    numpy_chain,
    onnx_chain,
    output_shape,
    walk,
)
from hyperrl.deploy.validate import ArrayChecks, MismatchError
from hyperrl.errors import UserError
from hyperrl.recipes.base import Model, Number

if TYPE_CHECKING:
    from hyperrl.deploy.onnx_graph import OnnxGraph

METADATA = "specialist"
"""The entry of a file's metadata that holds the plan."""

Arrays = dict[str, NDArray[Any]]
DType = Literal[
    "float16", "float32", "float64", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64",
    "bool",
]  # fmt: skip


class Input(Model):
    """One part of the observation, as the environment gives it, and the layers before all parts are joined.

    Attributes:
        name: its key; an observation that is no dictionary is called `obs`.
        shape: without a batch axis.
        dtype: NumPy's name.
        encoding: `numbers` as they come, `normalized` ones, an `image` divided by 255, or `one-hot`. Numbers
            are normalized in double precision: minus the array `NAME.mean`, over `NAME.std`, then clipped.
        clip: normalized numbers are clipped to this size.
        sizes: of one-hot integers, how many values each has.
        starts: the lowest value of each; older files have none, where all are 0.
        channels_last: of an image whose channels go first before the layers.
        layers: applied to it; their output is flattened, and all parts are joined in their order.
    """

    name: Key
    shape: Sizes
    dtype: DType
    encoding: Literal["numbers", "normalized", "image", "one-hot"] = "numbers"
    clip: Annotated[Number, Field(gt=0)] = 10.0
    sizes: Sizes = ()
    starts: Starts = ()
    channels_last: bool = False
    layers: Layers = ()

    @property
    def statistics(self) -> tuple[str, ...]:
        """Names of the arrays by which it is normalized, mean and standard deviation, if it is."""
        return (f"{self.name}.mean", f"{self.name}.std") if self.encoding == "normalized" else ()

    def width(self, arrays: ArrayChecks) -> int:
        """How many numbers the layers make of it; raises MismatchError."""
        shape = self.shape
        for name in self.statistics:
            arrays.array(name, shape, np.float64)
        if self.encoding == "one-hot":
            arrays.need(math.prod(shape) == len(self.sizes), f"sizes and shape of the input {self.name!r}")
            fits = len(self.starts) in (0, len(self.sizes))
            arrays.need(fits, f"starts and sizes of the input {self.name!r}")
            shape = (sum(self.sizes),)
        elif self.channels_last:
            arrays.need(len(shape) == 3, f"shape of the input {self.name!r} and channels_last")
            shape = (shape[2], *shape[:2])
        return math.prod(output_shape(self.layers, arrays.bounded(shape), arrays))

    def numpy(self, dense: Dense) -> Function:
        """A function of a batch of observations, to rows; it raises ValueError for integers out of range."""
        layers, clip = numpy_chain(self.layers, dense), self.clip
        mean, std = map(dense, self.statistics) if self.statistics else (0.0, 1.0)

        def prepare(x: Array) -> Array:
            if self.encoding == "one-hot":
                return self._one_hot(x)
            if self.encoding == "normalized":
                x = np.minimum(np.maximum((x - mean) / std, -clip), clip)
            x = x.astype(np.float32, copy=False)
            if self.encoding == "image":
                x = x / np.float32(255)
            if self.channels_last:
                x = np.ascontiguousarray(x.transpose(0, 3, 1, 2))
            x = layers(x)
            return x.reshape(len(x), math.prod(x.shape[1:]))

        return prepare

    def _one_hot(self, x: Array) -> Array:
        sizes, starts = np.array(self.sizes), self.starts or (0,) * len(self.sizes)
        index = x.reshape(len(x), len(self.sizes)) - np.array(starts)
        if (index < 0).any() or (index >= sizes).any():
            allowed = ", ".join(
                f"{low} to {low + size - 1}" for low, size in zip(starts, self.sizes, strict=True)
            )
            raise ValueError(f"{self.name!r}: found integers out of range; allowed: {allowed}")
        rows = np.zeros((len(x), sizes.sum()), np.float32)
        np.put_along_axis(rows, np.cumsum(sizes) - sizes + index, 1, axis=1)
        return rows

    def onnx(self, graph: OnnxGraph) -> str:
        """Add the graph's nodes from this input to rows of numbers; returns their name."""
        if self.encoding == "one-hot":
            return self._one_hot_onnx(graph)
        x = self._normalized_onnx(graph) if self.encoding == "normalized" else self.name
        x = x if x == self.name and self.dtype == "float32" else graph.cast(x, np.float32)
        if self.encoding == "image":
            x = graph.add("Div", x, graph.constant(255))
        if self.channels_last:
            x = graph.add("Transpose", x, perm=[0, 3, 1, 2])
        return graph.add("Flatten", onnx_chain(self.layers, x, graph), axis=1)

    def _normalized_onnx(self, graph: OnnxGraph) -> str:
        x, (mean, std) = graph.cast(self.name, np.float64), map(graph.array, self.statistics)
        scaled = graph.add("Div", graph.add("Sub", x, mean), std)
        low, high = (graph.constant(bound, np.float64) for bound in (-self.clip, self.clip))
        return graph.add("Min", graph.add("Max", scaled, low), high)

    def _one_hot_onnx(self, graph: OnnxGraph) -> str:
        columns = graph.reshape(graph.cast(self.name, np.int64), (-1, len(self.sizes)))
        if any(self.starts):
            columns = graph.add("Sub", columns, graph.constant(self.starts, np.int64))
        parts = [
            graph.add(
                "OneHot",
                graph.add("Gather", columns, graph.constant(number, np.int64), axis=1),
                graph.constant(size, np.int64),
                graph.constant([0, 1]),
            )
            for number, size in enumerate(self.sizes)
        ]
        return graph.add("Concat", *parts, axis=1)


class Flag(Model):
    """Whether a specialist's task is far from anything that its agent was trained on.

    Attributes:
        far: whether it is, for any of the reasons.
        reasons: why, in words.
        outside: features beyond their training ranges, and by how many half widths of these.
        distance: of the descriptor to that of the nearest training task.
        largest_distance: the largest that is not flagged.
        disagreement: of the actions of several networks of the agent on the task; None without several.
        largest_disagreement: the largest that is not flagged.
    """

    far: bool
    reasons: tuple[str, ...] = ()
    outside: dict[str, Number] = Field(default_factory=dict)
    distance: Number
    largest_distance: Number
    disagreement: Number | None = None
    largest_disagreement: Number | None = None

    @property
    def verdict(self) -> str:
        """The flag in words."""
        if not self.far:
            return "not far from what the agent was trained on"
        return f"far from what the agent was trained on: {'; '.join(self.reasons)}"


class Plan(Model):
    """A specialist but for its arrays; what a file carries as JSON.

    Attributes:
        flag: where it was asked for: whether the task is far from training.
    """

    format: Literal[1] = 1
    agent: str
    algorithm: str
    family: str
    context: dict[str, Number]
    inputs: Annotated[tuple[Input, ...], Field(min_length=1, max_length=64)]
    layers: Layers
    action: Action
    flag: Flag | None = None

    @property
    def text(self) -> str:
        """The plan as JSON, without a flag where there is none."""
        return self.model_dump_json(exclude={"flag"} if self.flag is None else None)


def read_plan(text: Any, source: str) -> Plan:
    """The plan in a file's metadata; UserError where it is none."""
    try:
        content = json.loads(text)
    except (ValueError, TypeError, RecursionError) as error:
        raise UserError(f"specialist {source!r}: its description is no JSON") from error
    return Plan.parse(content, f"specialist {source!r}")


@dataclass(frozen=True)
class Specialist:
    """A plan and its arrays: float32, or int8 with a scale (out,) for each output, `NAME.scale`.

    Where it comes from a file, `check` says whether the two belong together.
    """

    plan: Plan
    arrays: Arrays

    @property
    def layers(self) -> list[Layer]:
        """All layers, inputs' and common ones, those inside residual layers too."""
        inputs = [layer for part in self.plan.inputs for layer in walk(part.layers)]
        return [*inputs, *walk(self.plan.layers)]

    @property
    def matrices(self) -> list[str]:
        """Names of the weights of linear layers and convolutions."""
        return [layer.weight for layer in self.layers if isinstance(layer, Linear | Convolution)]

    @property
    def constants(self) -> set[str]:
        """Names of the arrays that are no weights or biases: scales, bounds and statistics."""
        statistics = [name for part in self.plan.inputs for name in part.statistics]
        return {*(f"{name}.scale" for name in self.matrices), *BOUNDS, *statistics}

    @property
    def parameters(self) -> int:
        """Number of weights and biases that are not zero."""
        constants = self.constants
        return sum(int(np.count_nonzero(x)) for name, x in self.arrays.items() if name not in constants)

    def check(self, source: str) -> Specialist:
        """The specialist itself, its arrays checked by following an observation's shape through the layers.

        Args:
            source: where it was read from, for messages.

        Raises:
            UserError: arrays that are missing or of other shapes than the plan needs, or layers that would
                make more than `validate.LARGEST` numbers of an observation.
        """
        plan, arrays = self.plan, ArrayChecks(self.arrays)
        try:
            width = sum(part.width(arrays) for part in plan.inputs)
            outputs, needed = output_shape(plan.layers, (width,), arrays), plan.action.outputs(arrays)
            arrays.need(outputs == (needed,), f"{outputs} outputs and {needed} that the action needs")
        except MismatchError as error:
            raise UserError(f"specialist {source!r}: {error}") from error
        return self

    def dense(self, name: str) -> NDArray[Any]:
        """An array in single precision, quantized or not; statistics of inputs in double precision."""
        array, scale = self.arrays[name], self.arrays.get(f"{name}.scale")
        if array.dtype == np.float64:
            return array
        if scale is None:
            return np.asarray(array, np.float32)
        return np.asarray(array * scale.reshape(-1, *[1] * (array.ndim - 1)), np.float32)
