"""A specialist as one ONNX graph: observations of the environment in, actions of the environment out."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from hyperrl.deploy.files import ENTRY
from hyperrl.deploy.plan import (
    BOUNDS,
    Action,
    Clip,
    Convolution,
    Elementwise,
    Input,
    Layer,
    Linear,
    Norm,
    Reshape,
    Residual,
    Specialist,
)

OPSET, IR_VERSION = 17, 8
"""Read by every onnxruntime since 1.12."""

OUTPUT = "action"


def onnx_bytes(specialist: Specialist) -> bytes:
    """The bytes of an ONNX file, arrays inside, inputs by the names of the observation's parts."""
    plan = specialist.plan
    graph = _Graph(specialist)
    rows = [graph.prepared(part) for part in plan.inputs]
    x = rows[0] if len(rows) == 1 else graph.add("Concat", rows, axis=1)
    graph.acted(plan.action, graph.through(plan.layers, x))
    discrete = plan.action.rule in ("argmax", "positive")
    result = helper.make_tensor_value_info(
        OUTPUT, TensorProto.INT64 if discrete else TensorProto.FLOAT, ["batch", *plan.action.shape]
    )
    seen = [
        helper.make_tensor_value_info(
            part.name, helper.np_dtype_to_tensor_dtype(np.dtype(part.dtype)), ["batch", *part.shape]
        )
        for part in plan.inputs
    ]
    made = helper.make_graph(graph.nodes, "specialist", seen, [result], graph.initializers)
    model = helper.make_model(
        made,
        producer_name="hyperrl",
        ir_version=IR_VERSION,
        opset_imports=[helper.make_opsetid("", OPSET)],
    )
    helper.set_model_props(model, {ENTRY: plan.model_dump_json()})
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


class _Graph:
    """Nodes and arrays as they are added."""

    def __init__(self, specialist: Specialist) -> None:
        self.specialist = specialist
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []
        self._known: set[str] = set()

    def add(self, op: str, inputs: Sequence[str], output: str | None = None, **attributes: Any) -> str:
        """A node; returns the name of its output."""
        name = output or f"{op}:{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [name], **attributes))
        return name

    def constant(self, value: Any, dtype: Any = np.float32) -> str:
        """An array without a name of its own."""
        return self._array(f"constant:{len(self.initializers)}", np.asarray(value, dtype))

    def array(self, name: str) -> str:
        """An array of the specialist, dequantized by the graph where it is quantized."""
        scale = self.specialist.arrays.get(f"{name}.scale")
        stored = self._array(name, self.specialist.arrays[name])
        if scale is None:
            return stored
        scales = self._array(f"{name}.scale", scale)
        zeros = self.constant(np.zeros(len(scale)), np.int8)
        return self.add("DequantizeLinear", [stored, scales, zeros], axis=0)

    def _array(self, name: str, value: NDArray[Any]) -> str:
        if name not in self._known:
            self._known.add(name)
            self.initializers.append(numpy_helper.from_array(np.asarray(value, order="C"), name))
        return name

    def prepared(self, part: Input) -> str:
        """A part of the observation as a row of numbers."""
        if part.encoding == "one-hot":
            return self._one_hot(part)
        x = part.name if part.dtype == "float32" else self.add("Cast", [part.name], to=TensorProto.FLOAT)
        if part.encoding == "image":
            x = self.add("Div", [x, self.constant(255)])
        if part.channels_last:
            x = self.add("Transpose", [x], perm=[0, 3, 1, 2])
        x = self.through(part.layers, x)
        return self.add("Flatten", [x], axis=1)

    def _one_hot(self, part: Input) -> str:
        whole = self.add("Cast", [part.name], to=TensorProto.INT64)
        columns = self.add("Reshape", [whole, self.constant([-1, len(part.sizes)], np.int64)])
        if any(part.starts):
            columns = self.add("Sub", [columns, self.constant(part.starts, np.int64)])
        hot = [
            self.add(
                "OneHot",
                [
                    self.add("Gather", [columns, self.constant(number, np.int64)], axis=1),
                    self.constant(size, np.int64),
                    self.constant([0, 1]),
                ],
            )
            for number, size in enumerate(part.sizes)
        ]
        return self.add("Concat", hot, axis=1)

    def through(self, layers: Sequence[Layer], x: str) -> str:
        """Layers, one after the other."""
        for layer in layers:
            x = self._after(layer, x)
        return x

    def _after(self, layer: Layer, x: str) -> str:
        match layer:
            case Linear():
                return self.add("Gemm", [x, self.array(layer.weight), self.array(layer.bias)], transB=1)
            case Convolution():
                arrays = [self.array(layer.weight), self.array(layer.bias)]
                return self.add("Conv", [x, *arrays], strides=[layer.stride, layer.stride])
            case Norm():
                arrays = [self.array(layer.weight), self.array(layer.bias)]
                return self.add("LayerNormalization", [x, *arrays], axis=-1, epsilon=layer.epsilon)
            case Clip():
                return self.add("Clip", [x, self.constant(layer.low), self.constant(layer.high)])
            case Reshape():
                return self.add("Reshape", [x, self.constant([0, *layer.shape], np.int64)])
            case Residual():
                return self.add("Add", [x, self.through(layer.layers, x)])
            case Elementwise():
                return self._activated(layer.kind, x)

    def _activated(self, kind: str, x: str) -> str:
        match kind:
            case "silu":
                return self.add("Mul", [x, self.add("Sigmoid", [x])])
            case "gelu":
                part = self.add("Erf", [self.add("Mul", [x, self.constant(0.5**0.5)])])
                weight = self.add("Mul", [self.add("Add", [part, self.constant(1)]), self.constant(0.5)])
                return self.add("Mul", [x, weight])
        return self.add({"tanh": "Tanh", "relu": "Relu", "elu": "Elu"}[kind], [x])

    def acted(self, action: Action, x: str) -> None:
        """What becomes of the outputs, under the name of the graph's result."""
        if action.rule == "argmax":
            self._chosen(action, x)
            return
        shaped = self.add("Reshape", [x, self.constant([-1, *action.shape], np.int64)])
        if action.rule == "positive":
            above = self.add("Greater", [shaped, self.constant(0)])
            self.add("Cast", [above], OUTPUT, to=TensorProto.INT64)
            return
        low, high = (self._array(name, self.specialist.arrays[name]) for name in BOUNDS)
        if action.rule == "clip":
            self.add("Min", [self.add("Max", [shaped, low]), high], OUTPUT)
            return
        half = self.add("Mul", [self.add("Sub", [high, low]), self.constant(0.5)])
        above = self.add("Mul", [self.add("Add", [shaped, self.constant(1)]), half])
        self.add("Add", [above, low], OUTPUT)

    def _chosen(self, action: Action, x: str) -> None:
        """The index of the largest output; NaN counts as the largest, as in NumPy and torch.

        ONNX's ArgMax passes over NaN, so that a graph would act otherwise than the agent where observations
        are not finite.
        """
        finite = self.add("Min", [x, self.constant(np.finfo(np.float32).max)])
        x = self.add("Where", [self.add("IsNaN", [x]), self.constant(np.inf), finite])
        if not action.shape:
            place = self.add("ArgMax", [x], axis=1, keepdims=0)
            self.add("Add", [place, self.constant(sum(action.starts), np.int64)], OUTPUT)
            return
        starts = np.cumsum([0, *action.sizes])
        chosen = []
        for start, end in pairwise(starts.tolist()):
            bounds = [self.constant([each], np.int64) for each in (start, end, 1)]
            chosen.append(self.add("ArgMax", [self.add("Slice", [x, *bounds])], axis=1, keepdims=1))
        joined = self.add("Concat", chosen, axis=1)
        if any(action.starts):
            joined = self.add("Add", [joined, self.constant(action.starts, np.int64)])
        self.add("Reshape", [joined, self.constant([-1, *action.shape], np.int64)], OUTPUT)
