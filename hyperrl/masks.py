"""Action masks: which of an action's choices are valid. Read by environments, agents and specialists."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

ACTION_MASKS = "action_masks"
"""The method by which sb3-contrib asks an environment for its mask, and the argument that carries masks."""
ACTION_MASK = "action_mask"
"""The entry of Gymnasium's infos that is a mask."""

Masks = NDArray[np.bool_]


def read_masks(value: Any, sizes: Sequence[int]) -> Masks:
    """One mask, or several with n as first axis, as truth values of their own.

    Args:
        value: truth values, or 0 and 1, an entry for each choice: (K,) or (n, K), K the sum of `sizes`. With
            several choices at once their entries follow each other.
        sizes: how many choices each part of an action has; a button has two, off and on.

    Raises:
        ValueError: another shape or other values, or a mask that leaves no choice.
    """
    total = sum(sizes)
    try:
        array = np.asarray(value)
    except (TypeError, ValueError):
        array = np.asarray(None)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"found {type(value).__name__}; allowed: an array of {total} truth values")
    if array.ndim not in (1, 2) or array.shape[-1] != total:
        raise ValueError(f"found shape {array.shape}; allowed: {(total,)}, an entry for each choice")
    masks: Masks = array.astype(np.bool_)
    if array.dtype.kind != "b" and not (array == masks).all():
        raise ValueError("found other numbers than 0 and 1; allowed: truth values")
    starts = np.cumsum((0, *sizes[:-1]))
    if not np.logical_or.reduceat(masks, starts, axis=-1).all():
        raise ValueError("found no valid choice; allowed: at least one for each part of an action")
    return masks


def masks_of_rows(value: Any, sizes: Sequence[int], rows: int) -> Masks:
    """The masks (rows, K) of so many observations that a user gives, one for all or one each; a new array.

    Args:
        value: as of `read_masks`.
        sizes: likewise.
        rows: number of observations.

    Raises:
        ValueError: no masks, or masks of another number of observations.
    """
    try:
        masks = read_masks(value, sizes)
    except ValueError as error:
        raise ValueError(f"{ACTION_MASKS}: {error}") from error
    if masks.ndim == 2 and len(masks) != rows:
        total = sum(sizes)
        raise ValueError(
            f"{ACTION_MASKS}: found shape {masks.shape}; allowed: {(total,)}, or {(rows, total)} for {rows}"
        )
    return np.array(np.broadcast_to(masks, (rows, sum(sizes))))
