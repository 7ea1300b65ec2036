"""Observations that a user hands to an agent, checked against the base environment's space."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from hyperrl.arguments import short_repr


def batch_of(
    observation: Any, spaces: Mapping[str, gym.Space[Any]], starts: Mapping[str, Any]
) -> tuple[dict[str, NDArray[Any]], int | None]:
    """The parts of one observation, or of several with their number as first axis, as networks take them.

    Args:
        observation: one of the base environment, or several; a mapping where there are several parts.
        spaces: the parts by name, choices counted from 0.
        starts: the base's lowest choices, for the parts where they are not 0.

    Returns:
        The parts, choices counted from 0, and how many observations there are; None for one alone.

    Raises:
        ValueError: other parts, shapes or types than the spaces', or choices that they do not have.
    """
    parts = dict(observation) if isinstance(observation, Mapping) else {"obs": observation}
    if set(parts) != set(spaces):
        raise ValueError(f"the observation has {sorted(map(str, parts))}, the environment's {sorted(spaces)}")
    batch, rows = {}, {}
    for name, space in spaces.items():
        batch[name] = _checked(name, parts[name], space, starts.get(name, 0))
        several = batch[name].ndim > len(space.shape or ())
        rows[name] = len(batch[name]) if several else None
    if len(set(rows.values())) > 1:
        raise ValueError(f"the observation's parts are not equally many: {rows} (None: one alone)")
    return batch, next(iter(rows.values()))


def _checked(name: str, found: Any, space: gym.Space[Any], start: Any) -> NDArray[Any]:
    """The part as an array of the space's type, choices counted from 0."""
    shape = tuple(space.shape or ())
    try:
        array = np.asarray(found)
    except (TypeError, ValueError):
        array = np.asarray(None)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{name}: found {short_repr(found)}; allowed: numbers of shape {shape}")
    if array.shape != shape and (array.ndim != len(shape) + 1 or array.shape[1:] != shape or not len(array)):
        rows = ", ".join(["n", *map(str, shape)])
        raise ValueError(f"{name}: found shape {array.shape}; allowed: {shape}, or ({rows}) for n of them")
    dtype = np.dtype(space.dtype)
    if dtype.kind == "f":
        return array.astype(dtype)
    low, high = _choices(space, dtype)
    with np.errstate(invalid="ignore"):
        bad = (array != np.floor(array)) | (array < low + start) | (array > high + start)
    if np.any(bad):
        least, most = np.broadcast_to(low + start, bad.shape), np.broadcast_to(high + start, bad.shape)
        raise ValueError(
            f"{name}: found {array[bad].flat[0]:g}; allowed: whole numbers from {least[bad].flat[0]} to"
            f" {most[bad].flat[0]}"
        )
    return np.asarray(array - start).astype(dtype)


def _choices(space: gym.Space[Any], dtype: np.dtype[Any]) -> tuple[Any, Any]:
    """The lowest and the highest whole number of each entry of a space."""
    match space:
        case gym.spaces.Discrete():
            return 0, int(space.n) - 1
        case gym.spaces.MultiDiscrete():
            return 0, space.nvec - 1
        case gym.spaces.MultiBinary():
            return 0, 1
    limits = np.iinfo(dtype)
    return limits.min, limits.max
