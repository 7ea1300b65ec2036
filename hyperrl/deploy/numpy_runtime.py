"""A specialist in NumPy: nothing else is needed to act."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

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

Array = NDArray[Any]
Step = Callable[[Array], Array]


class Acting:
    """A specialist, ready to act.

    Attributes:
        specialist: its plan and arrays.
    """

    def __init__(self, specialist: Specialist) -> None:
        self.specialist = specialist
        self._steps = [_prepared(specialist, part) for part in specialist.plan.inputs]
        self._layers = _all(specialist, specialist.plan.layers)
        self._act = _acted(specialist, specialist.plan.action)

    def __call__(self, observation: Any) -> Array:
        """The action on an observation, or n of them on a batch with n as first axis.

        Args:
            observation: an array, or a mapping where the environment's space is a Dict; a context in it is
                not looked at.

        Returns:
            float32 within the action's bounds, or int64.

        Raises:
            ValueError: an observation of another shape, integers out of range, or parts missing.
        """
        several, rows = batch(self.specialist, observation)
        made = [step(row) for step, row in zip(self._steps, rows, strict=True)]
        x = made[0] if len(made) == 1 else np.concatenate(made, axis=1)
        for layer in self._layers:
            x = layer(x)
        actions = self._act(x)
        return actions if several else actions[0]


def batch(specialist: Specialist, observation: Any) -> tuple[bool, list[Array]]:
    """Whether several observations are given, and each part with a batch axis; ValueError as in `Acting`."""
    inputs = specialist.plan.inputs
    given = observation if isinstance(observation, Mapping) else {inputs[0].name: observation}
    missing = [part.name for part in inputs if part.name not in given]
    if missing:
        raise ValueError(f"the observation lacks {missing}")
    rows, several = [], False
    for part in inputs:
        array = np.asarray(given[part.name], part.dtype)
        if array.shape == part.shape:
            array = array[None]
        elif array.shape[1:] == part.shape and array.ndim == len(part.shape) + 1:
            several = True
        else:
            raise ValueError(
                f"{part.name!r}: found shape {array.shape}; allowed: {part.shape} or (n, *{part.shape})"
            )
        rows.append(array)
    return several, rows


def _prepared(specialist: Specialist, part: Input) -> Step:
    layers = _all(specialist, part.layers)
    sizes = np.array(part.sizes, np.int64)
    columns = np.cumsum(sizes) - sizes
    lowest = np.array(part.starts or 0, np.int64)

    def prepare(x: Array) -> Array:
        if part.encoding == "one-hot":
            chosen = x.reshape(len(x), -1) - lowest
            if (chosen < 0).any() or (chosen >= sizes).any():
                raise ValueError(f"{part.name!r}: found integers out of range; allowed: {_allowed(part)}")
            hot = np.zeros((len(x), sizes.sum()), np.float32)
            np.put_along_axis(hot, columns + chosen, 1, axis=1)
            return hot
        x = x.astype(np.float32, copy=False)
        if part.encoding == "image":
            x = x / np.float32(255)
        if part.channels_last:
            x = np.ascontiguousarray(x.transpose(0, 3, 1, 2))
        for layer in layers:
            x = layer(x)
        return x if x.ndim == 2 else x.reshape(len(x), -1)

    return prepare


def _allowed(part: Input) -> str:
    starts = part.starts or (0,) * len(part.sizes)
    return ", ".join(f"{low} to {low + size - 1}" for low, size in zip(starts, part.sizes, strict=True))


def _all(specialist: Specialist, layers: tuple[Layer, ...]) -> list[Step]:
    return [_step(specialist, layer) for layer in layers]


def _step(specialist: Specialist, layer: Layer) -> Step:
    match layer:
        case Linear():
            across, bias = (
                np.ascontiguousarray(specialist.dense(layer.weight).T),
                specialist.dense(layer.bias),
            )
            return lambda x: x @ across + bias
        case Convolution():
            return _convolution(specialist.dense(layer.weight), specialist.dense(layer.bias), layer.stride)
        case Norm():
            return _norm(specialist.dense(layer.weight), specialist.dense(layer.bias), layer.epsilon)
        case Clip():
            low, high = np.float32(layer.low), np.float32(layer.high)
            return lambda x: np.minimum(np.maximum(x, low), high)
        case Reshape():
            return lambda x: x.reshape(len(x), *layer.shape)
        case Residual():
            inner = _all(specialist, layer.layers)
            return lambda x: x + _through(inner, x)
        case Elementwise():
            return _ACTIVATIONS[layer.kind]


def _through(layers: list[Step], x: Array) -> Array:
    for layer in layers:
        x = layer(x)
    return x


def _convolution(weight: Array, bias: Array, stride: int) -> Step:
    out, _, size, _ = weight.shape
    across = weight.reshape(out, -1).T

    def step(x: Array) -> Array:
        seen = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(2, 3))[
            :, :, ::stride, ::stride
        ]
        n, _, height, width = seen.shape[:4]
        patches = seen.transpose(0, 2, 3, 1, 4, 5).reshape(n * height * width, -1)
        made: Array = patches @ across + bias
        return made.reshape(n, height, width, out).transpose(0, 3, 1, 2)

    return step


def _norm(scale: Array, shift: Array, epsilon: float) -> Step:
    def step(x: Array) -> Array:
        centered = x - x.mean(axis=-1, keepdims=True)
        variance = np.square(centered).mean(axis=-1, keepdims=True)
        return np.asarray(centered / np.sqrt(variance + np.float32(epsilon)) * scale + shift)

    return step


def _gelu(x: Array) -> Array:
    from scipy.special import erf

    return np.asarray(x * (erf(x * np.float32(0.5**0.5)) + 1) * np.float32(0.5))


def _sigmoid(x: Array) -> Array:
    return 0.5 * (np.tanh(0.5 * x) + 1)


_ACTIVATIONS: dict[str, Step] = {
    "tanh": np.tanh,
    "relu": lambda x: np.maximum(x, 0),
    "elu": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    "gelu": _gelu,
    "silu": lambda x: x * _sigmoid(x),
}


def _acted(specialist: Specialist, action: Action) -> Step:
    shape = action.shape
    if action.rule in ("clip", "unscale"):
        low, high = (specialist.arrays[name] for name in BOUNDS)
        span = 0.5 * (high - low) if action.rule == "unscale" else high

        def bounded(x: Array) -> Array:
            x = x.reshape(len(x), *shape)
            return np.minimum(np.maximum(x, low), high) if action.rule == "clip" else low + (x + 1) * span

        return bounded
    if action.rule == "positive":
        return lambda x: (x > 0).astype(np.int64).reshape(len(x), *shape)
    lowest = np.array(action.starts or 0, np.int64)
    if not shape:
        return lambda x: x.argmax(axis=1) + (lowest[0] if lowest.ndim else 0)
    cuts = [sum(action.sizes[: number + 1]) for number in range(len(action.sizes) - 1)]

    def chosen(x: Array) -> Array:
        places = np.stack([part.argmax(axis=1) for part in np.split(x, cuts, axis=1)], axis=1)
        return (places + lowest).reshape(len(x), *shape)

    return chosen
