"""Inputs and outputs of an agent in words, and as the code of an example."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
from stable_baselines3.common.preprocessing import is_image_space, is_image_space_channels_first

from hyperrl.masks import ACTION_MASKS
from hyperrl.recipes import CONTEXT
from hyperrl.tasks import Family


@dataclass(frozen=True)
class Tensor:
    """An array that goes in or comes out.

    Attributes:
        name: its key; an observation that is no dictionary is `obs`.
        shape: without a batch axis.
        dtype: NumPy's name.
        values: what is in it, in words.
        starts: the lowest choices, where it counts from others than 0.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    values: str
    starts: tuple[int, ...] = ()

    def example(self, *, batch: bool = False) -> str:
        """The code of one such array, `np` being NumPy; with `batch` of one row of a batch."""
        shape = (1, *self.shape) if batch else self.shape
        if any(self.starts):
            values = np.reshape(self.starts, shape).tolist()
            return f"np.array({values}, np.{self.dtype})"
        return f"np.zeros({shape}, np.{_numpy_name(self.dtype)})"


def inputs(family: Family) -> list[Tensor]:
    """The parts of an observation: the base environment's, stacked and wrapped as the agent takes them."""
    space: Any = family.observation_space
    starts = family.adapter.starts
    return [
        _tensor(name, part, starts.get(name), seen=True)
        for name, part in space.spaces.items()
        if name != CONTEXT
    ]


def output(family: Family) -> Tensor:
    """The action, as the base environment takes it."""
    return _tensor("action", family.action_space, family.adapter.action_start, seen=False)


def masks(family: Family) -> Tensor:
    """Which choices of an action are valid."""
    choices = sum(family.adapter.choices)
    return Tensor(ACTION_MASKS, (choices,), "bool", "true for each choice that is valid; may be left out")


def example(parts: list[Tensor], *, batch: bool = False) -> str:
    """The code of an observation: an array, or a dictionary where there are several parts."""
    if [part.name for part in parts] == ["obs"]:
        return parts[0].example(batch=batch)
    return "{" + ", ".join(f"{part.name!r}: {part.example(batch=batch)}" for part in parts) + "}"


def _tensor(name: str, space: gym.Space[Any], starts: Any, *, seen: bool) -> Tensor:
    shape = tuple(space.shape or ())
    match space:
        case gym.spaces.Discrete() | gym.spaces.MultiDiscrete():
            sizes = np.ravel(space.n if isinstance(space, gym.spaces.Discrete) else space.nvec)
            low = np.zeros(len(sizes), np.int64) if starts is None else np.ravel(starts)
            ranges = [f"{int(a)} to {int(a + n - 1)}" for a, n in zip(low, sizes, strict=True)]
            return Tensor(name, shape, "int64", ", ".join(dict.fromkeys(ranges)), tuple(map(int, low)))
        case gym.spaces.MultiBinary():
            return Tensor(name, shape, "int64" if not seen else np.dtype(space.dtype).name, "0 or 1")
        case gym.spaces.Box():
            dtype = np.dtype(space.dtype).name if seen else "float32"
            if is_image_space(space) and seen:
                first = is_image_space_channels_first(space)
                return Tensor(name, shape, dtype, f"an image, channels {'first' if first else 'last'}")
            return Tensor(name, shape, dtype, _bounds(space))
    return Tensor(name, shape, np.dtype(space.dtype).name, str(space))


def _bounds(space: gym.spaces.Box) -> str:
    """The bounds of an array, entry by entry where they differ."""
    low, high = np.unique(space.low), np.unique(space.high)
    if len(low) == len(high) == 1:
        if not np.isfinite([*low, *high]).any():
            return "numbers"
        return f"{low[0]:g} to {high[0]:g}"
    if space.low.size > _MOST_BOUNDS:
        return f"between {low[0]:g} and {high[-1]:g}"
    ends = zip(space.low.ravel(), space.high.ravel(), strict=True)
    return "in order: " + ", ".join(f"{a:g} to {b:g}" for a, b in ends)


_MOST_BOUNDS = 16
"""Entries of an array whose bounds are told one by one."""


def _numpy_name(dtype: str) -> str:
    """The attribute of NumPy with this type."""
    return "bool_" if dtype == "bool" else dtype
