"""Whether a plan and its arrays belong together, known before any memory is taken for what they make."""

from __future__ import annotations

import math

import numpy as np

from hyperrl.deploy.plan import (
    BOUNDS,
    LARGEST,
    Convolution,
    Input,
    Layer,
    Linear,
    Norm,
    Reshape,
    Residual,
    Specialist,
)
from hyperrl.errors import UserError


def checked(specialist: Specialist, source: str) -> Specialist:
    """The specialist itself.

    Args:
        specialist: as it was read.
        source: where it came from, for messages.

    Raises:
        UserError: arrays that are missing or of other shapes than the plan needs, or layers that would make
            more than `LARGEST` numbers of an observation, the patches that a convolution sees among them.
    """
    try:
        _Shapes(specialist).check()
    except _MismatchError as error:
        raise UserError(f"specialist {source!r}: {error}") from error
    return specialist


class _MismatchError(Exception):
    """Says what does not fit."""


class _Shapes:
    """Follows an observation's shape through the layers, and refuses whatever does not fit."""

    def __init__(self, specialist: Specialist) -> None:
        self.plan, self.arrays = specialist.plan, specialist.arrays

    def check(self) -> None:
        """Misfit where anything does not fit."""
        width = sum(math.prod(self._through(part.layers, self._seen(part))) for part in self.plan.inputs)
        outputs = self._through(self.plan.layers, (width,))
        action = self.plan.action
        entries = math.prod(action.shape)
        if action.rule in ("clip", "unscale"):
            for name in BOUNDS:
                self._array(name, action.shape)
        if action.rule == "argmax":
            self._need(len(action.sizes) == entries, "action.sizes and action.shape")
            self._need(len(action.starts) in (0, entries), "action.starts and action.shape")
            entries = sum(action.sizes)
        self._need(outputs == (entries,), f"{outputs} outputs and {entries} that the action needs")

    def _seen(self, part: Input) -> tuple[int, ...]:
        if part.encoding == "one-hot":
            self._need(
                math.prod(part.shape) == len(part.sizes), f"sizes and shape of the input {part.name!r}"
            )
            starts = len(part.starts)
            self._need(starts in (0, len(part.sizes)), f"starts and sizes of the input {part.name!r}")
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
                self._bounded((height * width, shape[0] * kernel[0] ** 2))
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
            raise _MismatchError(f"array {layer.weight!r}: found {shape}; allowed: (outputs, *{into})")
        self._array(layer.bias, found.shape[:1])
        if found.dtype == np.int8:
            self._array(f"{layer.weight}.scale", found.shape[:1])
        elif found.dtype != np.float32:
            raise _MismatchError(f"array {layer.weight!r}: found {found.dtype}; allowed: float32, int8")
        return len(found)

    def _array(self, name: str, shape: tuple[int, ...]) -> None:
        found = self.arrays.get(name)
        if found is None or found.shape != shape or found.dtype != np.float32:
            what = "none" if found is None else f"{found.dtype} {found.shape}"
            raise _MismatchError(f"array {name!r}: found {what}; allowed: float32 {shape}")

    def _bounded(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        if math.prod(shape) > LARGEST:
            raise _MismatchError(f"found a layer of {shape}; allowed: at most {LARGEST:,} numbers")
        return shape

    def _need(self, fits: bool, what: str) -> None:
        if not fits:
            raise _MismatchError(f"{what} do not fit")
