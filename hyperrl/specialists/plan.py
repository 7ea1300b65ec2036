"""What acts on one task, in plain terms: the description from which every format is written.

An observation is prepared as Stable-Baselines3 does, passes through layers, and the last layer's outputs
become an action. Nothing of the hypernetwork, the context or torch is left.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from hyperrl.errors import UserError
from hyperrl.recipes.base import Model, Number

FORMAT = 1
LARGEST = 2**26
"""Entries that an observation, or what a layer makes of one, may have at most."""

Arrays = dict[str, NDArray[Any]]
Activation = Literal["tanh", "relu", "elu", "gelu", "silu"]
ACTIVATIONS: tuple[Activation, ...] = ("tanh", "relu", "elu", "gelu", "silu")
Size = Annotated[int, Field(gt=0, le=LARGEST)]
Shape = Annotated[tuple[Size, ...], Field(max_length=8)]
Key = Annotated[str, Field(min_length=1, max_length=128)]
Depth = Field(max_length=256)


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
    """Layer normalisation of a row: a scale and a shift (size,) by their names."""

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
    layers: Annotated[tuple[Layer, ...], Depth]


Layer = Annotated[
    Linear | Convolution | Norm | Elementwise | Clip | Reshape | Residual, Field(discriminator="kind")
]
Layers = Annotated[tuple[Layer, ...], Depth]


class Input(Model):
    """One part of the observation, as the environment gives it, and what is made of it before all are joined.

    Attributes:
        name: its key; an observation that is no dictionary is called `obs`.
        shape: without a batch axis.
        dtype: NumPy's name.
        encoding: `numbers` as they come, an `image` divided by 255, or `one-hot`.
        sizes: of one-hot integers, how many values each has.
        channels_last: of an image whose channels go first before the layers.
        layers: applied to it; what comes out is flattened, and all parts joined in their order.
    """

    name: Key
    shape: Shape
    dtype: Literal["float32", "float64", "uint8", "int8", "int16", "int32", "int64", "bool"]
    encoding: Literal["numbers", "image", "one-hot"] = "numbers"
    sizes: Shape = ()
    channels_last: bool = False
    layers: Layers = ()


class Action(Model):
    """What becomes of the last layer's outputs.

    Attributes:
        rule: `clip`, to bounds; `unscale`, from [-1, 1] to the bounds; `argmax` over each of `sizes` outputs;
            `positive`, 1 where an output is above 0. Bounds are the arrays `action.low` and `action.high`.
        shape: of one action.
        sizes: as above.
    """

    rule: Literal["clip", "unscale", "argmax", "positive"]
    shape: Shape
    sizes: Annotated[tuple[Size, ...], Field(max_length=4096)] = ()


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
L = TypeVar("L", Linear, Convolution, Norm)


def walk(layers: tuple[Layer, ...]) -> Iterator[Layer]:
    """Every layer, those inside others too."""
    for layer in layers:
        yield layer
        if isinstance(layer, Residual):
            yield from walk(layer.layers)


@dataclass(frozen=True)
class Specialist:
    """A plan and its arrays: float32, or int8 with a scale (out,) for each output, `NAME.scale`.

    Raises:
        UserError: arrays that are missing or of other shapes than the plan needs.
    """

    plan: Plan
    arrays: Arrays

    def __post_init__(self) -> None:
        if len(_Shapes(self).checked()) != 1:
            raise UserError("specialist: its layers do not end in a row of outputs")

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
        """An array in single precision, quantised or not."""
        array, scale = self.arrays[name], self.arrays.get(f"{name}.scale")
        if scale is None:
            return np.asarray(array, np.float32)
        return np.asarray(array * scale.reshape(-1, *[1] * (array.ndim - 1)), np.float32)


class _Shapes:
    """Follows an observation's shape through the layers, and refuses whatever does not fit."""

    def __init__(self, specialist: Specialist) -> None:
        self.plan, self.arrays = specialist.plan, specialist.arrays

    def checked(self) -> tuple[int, ...]:
        """The shape of the outputs."""
        width = sum(math.prod(self._through(part.layers, self._seen(part))) for part in self.plan.inputs)
        outputs = self._through(self.plan.layers, (width,))
        action = self.plan.action
        entries = math.prod(action.shape)
        if action.rule in ("clip", "unscale"):
            for name in BOUNDS:
                self._array(name, action.shape)
        if action.rule == "argmax":
            self._need(len(action.sizes) == entries, "action.sizes and action.shape")
            entries = sum(action.sizes)
        self._need(outputs == (entries,), f"{outputs} outputs and {entries} that the action needs")
        return outputs

    def _seen(self, part: Input) -> tuple[int, ...]:
        if part.encoding == "one-hot":
            self._need(math.prod(part.shape) == len(part.sizes), f"sizes and shape of the input {part.name!r}")
            return (self._bounded((sum(part.sizes),))[0],)
        if part.channels_last:
            self._need(len(part.shape) == 3, f"shape of the input {part.name!r} and channels_last")
            return self._bounded((part.shape[2], *part.shape[:2]))
        return self._bounded(part.shape)

    def _through(self, layers: tuple[Layer, ...], shape: tuple[int, ...]) -> tuple[int, ...]:
        for layer in layers:
            shape = self._bounded(self._after(layer, shape))
        return shape

    def _after(self, layer: Layer, shape: tuple[int, ...]) -> tuple[int, ...]:
        match layer:
            case Linear():
                out = self._weight(layer, (*shape,))
                self._need(len(shape) == 1, f"{layer.weight} and an input of {shape}")
                return (out,)
            case Convolution():
                self._need(len(shape) == 3, f"{layer.weight} and an input of {shape}")
                kernel = self.arrays[layer.weight].shape[-1:] if layer.weight in self.arrays else (1,)
                out = self._weight(layer, (shape[0], *kernel, *kernel))
                height, width = ((size - kernel[0]) // layer.stride + 1 for size in shape[1:])
                self._need(height > 0 and width > 0, f"{layer.weight} and an image of {shape}")
                return out, height, width
            case Norm():
                self._array(layer.weight, shape)
                self._array(layer.bias, shape)
                return shape
            case Reshape():
                entries = math.prod(shape)
                made = (entries,) if layer.shape == (-1,) else layer.shape
                self._need(math.prod(made) == entries and min(made) > 0, f"reshape {made} and {shape}")
                return made
            case Residual():
                self._need(self._through(layer.layers, shape) == shape, "the two parts of a residual layer")
        return shape

    def _weight(self, layer: Linear | Convolution, into: tuple[int, ...]) -> int:
        """Number of outputs of a layer whose weight is (outputs, *into)."""
        found = self.arrays.get(layer.weight)
        if found is None or not found.ndim or found.shape[1:] != into:
            shape = "none" if found is None else found.shape
            raise UserError(f"specialist: array {layer.weight!r}: found {shape}; allowed: (outputs, *{into})")
        self._array(layer.bias, found.shape[:1])
        if found.dtype == np.int8:
            self._array(f"{layer.weight}.scale", found.shape[:1])
        elif found.dtype != np.float32:
            raise UserError(f"specialist: array {layer.weight!r}: found {found.dtype}; allowed: float32, int8")
        return found.shape[0]

    def _array(self, name: str, shape: tuple[int, ...]) -> None:
        found = self.arrays.get(name)
        if found is None or found.shape != shape or found.dtype != np.float32:
            what = "none" if found is None else f"{found.dtype} {found.shape}"
            raise UserError(f"specialist: array {name!r}: found {what}; allowed: float32 {shape}")

    def _bounded(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        if math.prod(shape) > LARGEST:
            raise UserError(f"specialist: found a layer of {shape}; allowed: at most {LARGEST:,} numbers")
        return shape

    def _need(self, fits: bool, what: str) -> None:
        if not fits:
            raise UserError(f"specialist: {what} do not fit")


def bounds(low: NDArray[Any], high: NDArray[Any]) -> Arrays:
    """The arrays of an action's bounds."""
    return {name: np.asarray(bound, np.float32) for name, bound in zip(BOUNDS, (low, high), strict=True)}


def split_observation(plan: Plan, observation: Any) -> Mapping[str, Any]:
    """The parts of an observation by name, the context left out.

    Raises:
        ValueError: parts missing.
    """
    if not isinstance(observation, Mapping):
        observation = {plan.inputs[0].name: observation}
    missing = [part.name for part in plan.inputs if part.name not in observation]
    if missing or (len(plan.inputs) > 1 and len(observation) < len(plan.inputs)):
        raise ValueError(f"the observation has {sorted(observation)}; missing: {missing}")
    return observation
