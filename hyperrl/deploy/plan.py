"""What acts on one task, in plain terms: the description from which every format is written.

An observation is prepared as Stable-Baselines3 does, passes through layers, and the last layer's outputs
become an action. Nothing of the hypernetwork, the context or torch is left.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from hyperrl.recipes import Activation
from hyperrl.recipes.base import Model, Number

LARGEST = 2**26
"""Entries that an observation, or what a layer makes of one, may have at most."""

Arrays = dict[str, NDArray[Any]]
DType = Literal[
    "float16", "float32", "float64", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64",
    "bool",
]  # fmt: skip
Size = Annotated[int, Field(gt=0, le=LARGEST)]
Shape = Annotated[tuple[Size, ...], Field(max_length=8)]
Starts = Annotated[tuple[Annotated[int, Field(gt=-(2**62), lt=2**62)], ...], Field(max_length=4096)]
Key = Annotated[str, Field(min_length=1, max_length=128)]


class Linear(Model):
    """`y = x W' + b`: a weight (out, in) and a bias (out,) by their names."""

    kind: Literal["linear"] = "linear"
    weight: Key
    bias: Key


class Convolution(Model):
    """A convolution without padding: a weight (out, in, size, size) and a bias (out,) by their names."""

    kind: Literal["convolution"] = "convolution"
    weight: Key
    bias: Key
    stride: Size


class Norm(Model):
    """Layer normalization of a row: a scale and a shift (size,) by their names."""

    kind: Literal["norm"] = "norm"
    weight: Key
    bias: Key
    epsilon: Annotated[Number, Field(gt=0)]


class Elementwise(Model):
    """An activation, as torch's function of that name has it by default."""

    kind: Activation


class Clip(Model):
    """Every entry held within two bounds."""

    kind: Literal["clip"] = "clip"
    low: Number
    high: Number


class Reshape(Model):
    """Every row takes this shape; -1 is a row of numbers."""

    kind: Literal["reshape"] = "reshape"
    shape: Annotated[tuple[Annotated[int, Field(ge=-1, le=LARGEST)], ...], Field(min_length=1, max_length=8)]


class Residual(Model):
    """`x + f(x)`, f being layers."""

    kind: Literal["residual"] = "residual"
    layers: Layers


Layer = Annotated[
    Linear | Convolution | Norm | Elementwise | Clip | Reshape | Residual, Field(discriminator="kind")
]
Layers = Annotated[tuple[Layer, ...], Field(max_length=256)]


class Input(Model):
    """One part of the observation, as the environment gives it, and what is made of it before all are joined.

    Attributes:
        name: its key; an observation that is no dictionary is called `obs`.
        shape: without a batch axis.
        dtype: NumPy's name.
        encoding: `numbers` as they come, an `image` divided by 255, or `one-hot`.
        sizes: of one-hot integers, how many values each has.
        starts: the lowest value of each; older files have none, where all are 0.
        channels_last: of an image whose channels go first before the layers.
        layers: applied to it; what comes out is flattened, and all parts joined in their order.
    """

    name: Key
    shape: Shape
    dtype: DType
    encoding: Literal["numbers", "image", "one-hot"] = "numbers"
    sizes: Shape = ()
    starts: Starts = ()
    channels_last: bool = False
    layers: Layers = ()


class Action(Model):
    """What becomes of the last layer's outputs.

    Attributes:
        rule: `clip`, to bounds; `unscale`, from [-1, 1] to the bounds; `argmax` over each of `sizes` outputs;
            `positive`, 1 where an output is above 0. Bounds are the arrays `action.low` and `action.high`.
        shape: of one action.
        sizes: as above.
        starts: what is added to the place of the largest of each of `sizes` outputs; older files have none.
    """

    rule: Literal["clip", "unscale", "argmax", "positive"]
    shape: Shape
    sizes: Annotated[tuple[Size, ...], Field(max_length=4096)] = ()
    starts: Starts = ()


class Plan(Model):
    """A specialist but for its arrays; what a file carries as JSON."""

    format: Literal[1] = 1
    agent: str
    algorithm: str
    family: str
    context: dict[str, Number]
    inputs: Annotated[tuple[Input, ...], Field(min_length=1, max_length=64)]
    layers: Layers
    action: Action


BOUNDS = ("action.low", "action.high")


def walk(layers: tuple[Layer, ...]) -> Iterator[Layer]:
    """Every layer, those inside others too."""
    for layer in layers:
        yield layer
        if isinstance(layer, Residual):
            yield from walk(layer.layers)


@dataclass(frozen=True)
class Specialist:
    """A plan and its arrays: float32, or int8 with a scale (out,) for each output, `NAME.scale`.

    Where it comes from a file, `hyperrl.deploy.validate` says whether the two belong together.
    """

    plan: Plan
    arrays: Arrays

    @property
    def layers(self) -> list[Layer]:
        """All layers, inputs' and common ones, those inside others too."""
        own = [layer for part in self.plan.inputs for layer in walk(part.layers)]
        return own + list(walk(self.plan.layers))

    @property
    def matrices(self) -> list[str]:
        """Names of the weights of linear layers and convolutions."""
        return [layer.weight for layer in self.layers if isinstance(layer, Linear | Convolution)]

    @property
    def parameters(self) -> int:
        """Number of weights and biases that are not zero."""
        scales = {f"{name}.scale" for name in self.matrices}
        return sum(
            int(np.count_nonzero(array))
            for name, array in self.arrays.items()
            if name not in scales and name not in BOUNDS
        )

    def dense(self, name: str) -> NDArray[np.float32]:
        """An array in single precision, quantized or not."""
        array, scale = self.arrays[name], self.arrays.get(f"{name}.scale")
        if scale is None:
            return np.asarray(array, np.float32)
        return np.asarray(array * scale.reshape(-1, *[1] * (array.ndim - 1)), np.float32)


def bounds(low: NDArray[Any], high: NDArray[Any]) -> Arrays:
    """The arrays of an action's bounds."""
    return {name: np.asarray(bound, np.float32) for name, bound in zip(BOUNDS, (low, high), strict=True)}
