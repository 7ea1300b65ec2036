"""An ONNX graph, written node by node."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

OPSET, IR_VERSION = 17, 8
"""Read by every onnxruntime since 1.12."""

Values = Mapping[str, tuple[Any, tuple[int, ...]]]


class OnnxGraph:
    """Nodes and arrays, as they are added.

    Args:
        arrays: by name; `NAME.scale` are the scales of the int8 array `NAME`.
    """

    def __init__(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        self._arrays = arrays
        self._nodes: list[Any] = []
        self._initializers: dict[str, Any] = {}
        self._optional: list[Any] = []

    def add(self, op: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:
        """Add a node; returns the name of its output."""
        name = output or f"{op}:{len(self._nodes)}"
        self._nodes.append(helper.make_node(op, list(inputs), [name], **attributes))
        return name

    def cast(self, x: str, dtype: Any, output: str | None = None) -> str:
        """Add a conversion to another type."""
        return self.add("Cast", x, output=output, to=_onnx_type(dtype))

    def reshape(self, x: str, shape: tuple[int, ...], output: str | None = None) -> str:
        """Add a change of shape: -1 is what is left, 0 the size that the axis has."""
        return self.add("Reshape", x, self.constant(shape, np.int64), output=output)

    def constant(self, value: Any, dtype: Any = np.float32) -> str:
        """Add an array that has no name of its own."""
        return self._initializer(f"constant:{len(self._initializers)}", np.asarray(value, dtype))

    def optional(self, name: str, default: NDArray[Any]) -> str:
        """Add an input that need not be given.

        Args:
            name: of the input.
            default: what it is then, (1, ...); given, it has one row for all, or one for each of the batch.
        """
        self._optional.append(optional_input(name, default))
        return self._initializer(name, default)

    def array(self, name: str) -> str:
        """Add one of the arrays, dequantized by the graph where it is int8."""
        stored, scale = self._initializer(name, self._arrays[name]), self._arrays.get(f"{name}.scale")
        if scale is None:
            return stored
        scales = self._initializer(f"{name}.scale", scale)
        zeros = self.constant(np.zeros(len(scale)), np.int8)
        return self.add("DequantizeLinear", stored, scales, zeros, axis=0)

    def model_bytes(self, inputs: Values, outputs: Values, metadata: dict[str, str]) -> bytes:
        """The bytes of the graph's file.

        Args:
            inputs: type and shape by name, without the batch axis.
            outputs: likewise.
            metadata: entries of the file's metadata.
        """
        arrays = list(self._initializers.values())
        given = [*_infos(inputs), *self._optional]
        graph = helper.make_graph(self._nodes, "specialist", given, _infos(outputs), arrays)
        opset = helper.make_opsetid("", OPSET)
        model = helper.make_model(
            graph, producer_name="hyperrl", ir_version=IR_VERSION, opset_imports=[opset]
        )
        helper.set_model_props(model, metadata)
        onnx.checker.check_model(model)
        return bytes(model.SerializeToString())

    def _initializer(self, name: str, value: NDArray[Any]) -> str:
        if name not in self._initializers:
            self._initializers[name] = numpy_helper.from_array(np.asarray(value, order="C"), name)
        return name


def optional_input(name: str, default: NDArray[Any]) -> Any:
    """The declaration of an input that is given by an initializer of its name where nobody gives it."""
    return helper.make_tensor_value_info(name, _onnx_type(default.dtype), ["rows", *default.shape[1:]])


def _infos(values: Values) -> list[Any]:
    return [
        helper.make_tensor_value_info(name, _onnx_type(dtype), ["batch", *shape])
        for name, (dtype, shape) in values.items()
    ]


def _onnx_type(dtype: Any) -> int:
    return int(helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))
