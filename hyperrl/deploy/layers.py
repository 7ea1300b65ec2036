"""The kinds of layers of a specialist: fields, shapes, and what each computes in NumPy and in ONNX."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from hyperrl.config import ActivationName
from hyperrl.deploy.validate import LARGEST, ArrayChecks, Shape
from hyperrl.recipes.base import Model, Number

if TYPE_CHECKING:
    from hyperrl.deploy.onnx_graph import OnnxGraph

Array = NDArray[Any]
Function = Callable[[Array], Array]
Dense = Callable[[str], NDArray[Any]]
"""An array by its name, in single precision; statistics of inputs in double precision."""
Size = Annotated[int, Field(gt=0, le=LARGEST)]
Sizes = Annotated[tuple[Size, ...], Field(max_length=8)]
Starts = Annotated[tuple[Annotated[int, Field(gt=-(2**62), lt=2**62)], ...], Field(max_length=4096)]
"""The lowest value of each integer."""
Key = Annotated[str, Field(min_length=1, max_length=128)]


class BaseLayer(Model):
    """What every kind of layer knows; one kind is one class."""

    def output_shape(self, shape: Shape, arrays: ArrayChecks) -> Shape:
        """Shape of the output of an input of `shape`, both without a batch axis, by default the same.

        Raises:
            MismatchError: the layer does not fit the input, or its arrays.
        """
        return shape

    def numpy(self, dense: Dense) -> Function:
        """The layer as a function of a batch."""
        raise NotImplementedError

    def onnx(self, x: str, graph: OnnxGraph) -> str:
        """Add the layer to a graph, after `x`; returns the name of its output."""
        raise NotImplementedError


class Linear(BaseLayer):
    """`y = x W' + b`: a weight (out, in) and a bias (out,) by their names."""

    kind: Literal["linear"] = "linear"
    weight: Key
    bias: Key

    def output_shape(self, shape: Shape, arrays: ArrayChecks) -> Shape:
        outputs = arrays.weight(self.weight, self.bias, shape)
        arrays.need(len(shape) == 1, f"{self.weight} and an input of {shape}")
        return (outputs,)

    def numpy(self, dense: Dense) -> Function:
        transposed, bias = np.ascontiguousarray(dense(self.weight).T), dense(self.bias)
        return lambda x: x @ transposed + bias

    def onnx(self, x: str, graph: OnnxGraph) -> str:
        return graph.add("Gemm", x, graph.array(self.weight), graph.array(self.bias), transB=1)


class Convolution(BaseLayer):
    """A convolution without padding: a weight (out, in, size, size) and a bias (out,) by their names."""

    kind: Literal["convolution"] = "convolution"
    weight: Key
    bias: Key
    stride: Size

    def output_shape(self, shape: Shape, arrays: ArrayChecks) -> Shape:
        arrays.need(len(shape) == 3, f"{self.weight} and an input of {shape}")
        size = arrays.last_size(self.weight)
        outputs = arrays.weight(self.weight, self.bias, (shape[0], size, size))
        height, width = ((length - size) // self.stride + 1 for length in shape[1:])
        arrays.need(height > 0 and width > 0, f"{self.weight} and an image of {shape}")
        arrays.bounded((height * width, shape[0] * size**2))  # the patches that it multiplies
        return outputs, height, width

    def numpy(self, dense: Dense) -> Function:
        weight, bias, stride = dense(self.weight), dense(self.bias), self.stride
        outputs, _, size, _ = weight.shape
        transposed = weight.reshape(outputs, -1).T

        def convolve(x: Array) -> Array:
            windows = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(2, 3))
            windows = windows[:, :, ::stride, ::stride]
            n, _, height, width = windows.shape[:4]
            patches = windows.transpose(0, 2, 3, 1, 4, 5).reshape(n * height * width, len(transposed))
            y: Array = patches @ transposed + bias
            return y.reshape(n, height, width, outputs).transpose(0, 3, 1, 2)

        return convolve

    def onnx(self, x: str, graph: OnnxGraph) -> str:
        weight, bias = graph.array(self.weight), graph.array(self.bias)
        return graph.add("Conv", x, weight, bias, strides=[self.stride, self.stride])


class Norm(BaseLayer):
    """Layer normalization of a row: a scale and a shift (size,) by their names."""

    kind: Literal["norm"] = "norm"
    weight: Key
    bias: Key
    epsilon: Annotated[Number, Field(gt=0)]

    def output_shape(self, shape: Shape, arrays: ArrayChecks) -> Shape:
        arrays.array(self.weight, shape)
        arrays.array(self.bias, shape)
        return shape

    def numpy(self, dense: Dense) -> Function:
        scale, shift, epsilon = dense(self.weight), dense(self.bias), np.float32(self.epsilon)

        def normalize(x: Array) -> Array:
            centered = x - x.mean(axis=-1, keepdims=True)
            variance = np.square(centered).mean(axis=-1, keepdims=True)
            return np.asarray(centered / np.sqrt(variance + epsilon) * scale + shift)

        return normalize

    def onnx(self, x: str, graph: OnnxGraph) -> str:
        scale, shift = graph.array(self.weight), graph.array(self.bias)
        return graph.add("LayerNormalization", x, scale, shift, axis=-1, epsilon=self.epsilon)


class Elementwise(BaseLayer):
    """An activation, as torch's function of that name computes it by default."""

    kind: ActivationName

    def numpy(self, dense: Dense) -> Function:
        return _NUMPY_ACTIVATIONS[self.kind]

    def onnx(self, x: str, graph: OnnxGraph) -> str:
        match self.kind:
            case "silu":
                return graph.add("Mul", x, graph.add("Sigmoid", x))
            case "gelu":
                part = graph.add("Erf", graph.add("Mul", x, graph.constant(0.5**0.5)))
                weight = graph.add("Mul", graph.add("Add", part, graph.constant(1)), graph.constant(0.5))
                return graph.add("Mul", x, weight)
        return graph.add(self.kind.capitalize(), x)


def _gelu(x: Array) -> Array:
    from scipy.special import erf

    return np.asarray(x * (erf(x * np.float32(0.5**0.5)) + 1) * np.float32(0.5))


_NUMPY_ACTIVATIONS: dict[ActivationName, Function] = {
    "tanh": np.tanh,
    "relu": lambda x: np.maximum(x, 0),
    "elu": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    "gelu": _gelu,
    "silu": lambda x: x * (0.5 * (np.tanh(0.5 * x) + 1)),
}


class Clip(BaseLayer):
    """Every entry held within two bounds."""

    kind: Literal["clip"] = "clip"
    low: Number
    high: Number

    def numpy(self, dense: Dense) -> Function:
        low, high = np.float32(self.low), np.float32(self.high)
        return lambda x: np.minimum(np.maximum(x, low), high)

    def onnx(self, x: str, graph: OnnxGraph) -> str:
        return graph.add("Clip", x, graph.constant(self.low), graph.constant(self.high))


class Reshape(BaseLayer):
    """Every row takes this shape; -1 is a row of numbers."""

    kind: Literal["reshape"] = "reshape"
    shape: Annotated[tuple[Annotated[int, Field(ge=-1, le=LARGEST)], ...], Field(min_length=1, max_length=8)]

    def output_shape(self, shape: Shape, arrays: ArrayChecks) -> Shape:
        entries = math.prod(shape)
        reshaped = (entries,) if self.shape == (-1,) else self.shape
        arrays.need(math.prod(reshaped) == entries and min(reshaped) > 0, f"reshape {reshaped} and {shape}")
        return reshaped

    def numpy(self, dense: Dense) -> Function:
        # NumPy cannot tell what -1 stands for where there are no rows
        return lambda x: x.reshape(
            len(x), *((math.prod(x.shape[1:]),) if self.shape == (-1,) else self.shape)
        )

    def onnx(self, x: str, graph: OnnxGraph) -> str:
        return graph.reshape(x, (0, *self.shape))


class Residual(BaseLayer):
    """`x + f(x)`, f being layers."""

    kind: Literal["residual"] = "residual"
    layers: Layers

    def output_shape(self, shape: Shape, arrays: ArrayChecks) -> Shape:
        arrays.need(output_shape(self.layers, shape, arrays) == shape, "the two parts of a residual layer")
        return shape

    def numpy(self, dense: Dense) -> Function:
        inner = numpy_chain(self.layers, dense)
        return lambda x: x + inner(x)

    def onnx(self, x: str, graph: OnnxGraph) -> str:
        return graph.add("Add", x, onnx_chain(self.layers, x, graph))


Layer = Annotated[
    Linear | Convolution | Norm | Elementwise | Clip | Reshape | Residual, Field(discriminator="kind")
]
Layers = Annotated[tuple[Layer, ...], Field(max_length=256)]


def output_shape(layers: Iterable[Layer], shape: Shape, arrays: ArrayChecks) -> Shape:
    """Shape after layers, one after the other; MismatchError where one does not fit or is too large."""
    for layer in layers:
        shape = arrays.bounded(layer.output_shape(shape, arrays))
    return shape


def numpy_chain(layers: Iterable[Layer], dense: Dense) -> Function:
    """Layers, one after the other, as a function of a batch."""
    functions = [layer.numpy(dense) for layer in layers]

    def apply(x: Array) -> Array:
        for function in functions:
            x = function(x)
        return x

    return apply


def onnx_chain(layers: Iterable[Layer], x: str, graph: OnnxGraph) -> str:
    """Add layers to a graph, one after the other; returns the name of the last output."""
    for layer in layers:
        x = layer.onnx(x, graph)
    return x


def walk(layers: Iterable[Layer]) -> Iterator[Layer]:
    """Every layer, and those inside residual layers."""
    for layer in layers:
        yield layer
        if isinstance(layer, Residual):
            yield from walk(layer.layers)
