"""Observations that a user passes to an agent, checked against the base environment's space."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from hyperrl.arguments import short_repr


def check_observation(
    observation: Any, spaces: Mapping[str, gym.Space[Any]], starts: Mapping[str, Any]
) -> tuple[dict[str, NDArray[Any]], int | None]:
    """One observation, or several with their number as first axis, as arrays of the types that networks take.

    Args:
        observation: of the base environment; a mapping where it has several parts.
        spaces: the parts by name, choices counted from 0.
        starts: the base's lowest choices, for the parts where they are not 0.

    Returns:
        The parts, choices counted from 0, and the number of observations; None for a single one.

    Raises:
        ValueError: other parts, shapes or types than the spaces', or choices that they do not have.
    """
    parts = dict(observation) if isinstance(observation, Mapping) else {"obs": observation}
    if set(parts) != set(spaces):
        raise ValueError(f"the observation has {sorted(map(str, parts))}, the environment's {sorted(spaces)}")
    arrays = {name: _check(name, parts[name], space, starts.get(name, 0)) for name, space in spaces.items()}
    counts = {
        name: len(array) if array.ndim > len(spaces[name].shape or ()) else None
        for name, array in arrays.items()
    }
    if len(set(counts.values())) > 1:
        raise ValueError(f"the observation's parts are not equally many: {counts} (None: one alone)")
    return arrays, next(iter(counts.values()))


def _check(name: str, part: Any, space: gym.Space[Any], start: Any) -> NDArray[Any]:
    """The part as an array of the space's type, choices counted from 0."""
    shape, dtype = tuple(space.shape or ()), np.dtype(space.dtype)
    try:
        array = np.asarray(part)
    except (TypeError, ValueError):
        array = np.asarray(None)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{name}: found {short_repr(part)}; allowed: numbers of shape {shape}")
    if array.shape != shape and (array.ndim != len(shape) + 1 or array.shape[1:] != shape or not len(array)):
        several = ", ".join(["n", *map(str, shape)])
        raise ValueError(f"{name}: found shape {array.shape}; allowed: {shape}, or ({several}) for n of them")
    if dtype.kind == "f":
        return array.astype(dtype)
    low, high = (np.broadcast_to(end + start, array.shape) for end in _choices(space, dtype))
    with np.errstate(invalid="ignore"):
        bad = (array != np.floor(array)) | (array < low) | (array > high)
    if bad.any():
        value, least, most = (each[bad][0] for each in (array, low, high))
        raise ValueError(f"{name}: found {value:g}; allowed: whole numbers from {least} to {most}")
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
