"""Each kind of layer computes in NumPy and in ONNX what torch does, and tells the shape of its output."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from hyperrl.deploy.layers import (
    Clip,
    Convolution,
    Elementwise,
    Layer,
    Linear,
    Norm,
    Reshape,
    Residual,
    numpy_chain,
    onnx_chain,
    output_shape,
    walk,
)
from hyperrl.deploy.validate import ArrayChecks, MismatchError

Torch = Callable[[Tensor, dict[str, Tensor]], Tensor]
SQUARE = Linear(weight="square", bias="bias")
LAYERS: dict[str, tuple[Layer, tuple[int, ...], Torch]] = {
    "linear": (SQUARE, (4,), lambda x, t: F.linear(x, t["square"], t["bias"])),
    "convolution": (
        Convolution(weight="kernel", bias="bias", stride=2),
        (3, 9, 8),
        lambda x, t: F.conv2d(x, t["kernel"], t["bias"], 2),
    ),
    "norm": (
        Norm(weight="scale", bias="bias", epsilon=0.1),
        (4,),
        lambda x, t: F.layer_norm(x, (4,), t["scale"], t["bias"], 0.1),
    ),
    "clip": (Clip(low=-0.5, high=1), (4,), lambda x, t: x.clamp(-0.5, 1)),
    "reshape": (Reshape(shape=(2, 3)), (6,), lambda x, t: x.reshape(-1, 2, 3)),
    "flatten": (Reshape(shape=(-1,)), (2, 3), lambda x, t: x.flatten(1)),
    "residual": (
        Residual(layers=(SQUARE, Elementwise(kind="tanh"))),
        (4,),
        lambda x, t: x + torch.tanh(F.linear(x, t["square"], t["bias"])),
    ),
    "tanh": (Elementwise(kind="tanh"), (4,), lambda x, t: torch.tanh(x)),
    "relu": (Elementwise(kind="relu"), (4,), lambda x, t: F.relu(x)),
    "elu": (Elementwise(kind="elu"), (4,), lambda x, t: F.elu(x)),
    "gelu": (Elementwise(kind="gelu"), (4,), lambda x, t: F.gelu(x)),
    "silu": (Elementwise(kind="silu"), (4,), lambda x, t: F.silu(x)),
}


def arrays() -> dict[str, NDArray[np.float32]]:
    draw = np.random.default_rng(0)
    shapes: dict[str, tuple[int, ...]] = {
        "square": (4, 4), "bias": (4,), "kernel": (4, 3, 3, 3), "scale": (4,)
    }  # fmt: skip
    return {name: draw.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_computes_what_torch_does(name: str) -> None:
    layer, shape, reference = LAYERS[name]
    own = arrays()
    x = np.random.default_rng(1).normal(size=(5, *shape)).astype(np.float32) * 2
    wanted = reference(
        torch.from_numpy(x), {key: torch.from_numpy(each) for key, each in own.items()}
    ).numpy()
    np.testing.assert_allclose(numpy_chain([layer], own.__getitem__)(x), wanted, atol=1e-5)
    assert output_shape([layer], shape, ArrayChecks(own)) == wanted.shape[1:]
    runtime = pytest.importorskip("onnxruntime", reason="needs the extra export")
    from hyperrl.deploy.onnx_graph import OnnxGraph

    graph = OnnxGraph(own)
    output = onnx_chain([layer], "x", graph)
    data = graph.model_bytes({"x": (np.float32, shape)}, {output: (np.float32, wanted.shape[1:])}, {})
    (y,) = runtime.InferenceSession(data, providers=["CPUExecutionProvider"]).run(None, {"x": x})
    np.testing.assert_allclose(y, wanted, atol=1e-5)


@pytest.mark.parametrize(
    ("layer", "shape", "says"),
    [
        (SQUARE, (3,), r"array 'square': found \(4, 4\); allowed: \(outputs, \*\(3,\)\)"),
        (Linear(weight="none", bias="bias"), (4,), "array 'none': found none"),
        (Linear(weight="square", bias="kernel"), (4,), "array 'kernel'"),
        (Convolution(weight="kernel", bias="bias", stride=1), (4,), "kernel and an input of"),
        (Convolution(weight="kernel", bias="bias", stride=1), (3, 2, 9), "kernel and an image of"),
        (Norm(weight="square", bias="bias", epsilon=1), (4,), "array 'square'"),
        (Reshape(shape=(5,)), (4,), "reshape"),
        (Residual(layers=(Reshape(shape=(2, 2)),)), (4,), "the two parts of a residual layer"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_layer_that_does_not_fit_is_refused(layer: Any, shape: tuple[int, ...], says: str) -> None:
    with pytest.raises(MismatchError, match=says):
        output_shape([layer], shape, ArrayChecks(arrays()))


def test_walking_reaches_the_layers_inside_others() -> None:
    inner = Residual(layers=(SQUARE,))
    outer = Residual(layers=(inner, Reshape(shape=(-1,))))
    assert list(walk([outer, SQUARE])) == [outer, inner, SQUARE, Reshape(shape=(-1,)), SQUARE]
