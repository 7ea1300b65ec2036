"""Checks that a file's arrays are those that its plan needs, before memory is taken for what they make."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

LARGEST = 2**26
"""Entries that an observation, or the output of a layer, may have at most."""

Shape = tuple[int, ...]


class MismatchError(Exception):
    """Says which array or shape does not fit."""


class ArrayChecks:
    """The arrays of a file, each checked when a layer asks for it; every check raises MismatchError.

    Args:
        arrays: by name, as they were read.
    """

    def __init__(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        self._arrays = arrays

    def need(self, fits: bool, what: str) -> None:
        """Two things must fit."""
        if not fits:
            raise MismatchError(f"{what} do not fit")

    def array(self, name: str, shape: Shape, dtype: type[np.floating[Any]] = np.float32) -> None:
        """There must be an array of this name, shape and type."""
        array, needed = self._arrays.get(name), np.dtype(dtype)
        if array is None or array.shape != shape or array.dtype != needed:
            what = "none" if array is None else f"{array.dtype} {array.shape}"
            raise MismatchError(f"array {name!r}: found {what}; allowed: {needed} {shape}")

    def last_size(self, name: str) -> int:
        """The size of an array's last axis; 1 where there is none."""
        return self._arrays[name].shape[-1] if name in self._arrays and self._arrays[name].ndim else 1

    def weight(self, weight: str, bias: str, inputs: Shape) -> int:
        """The number of outputs of a weight (outputs, *inputs), float32 or int8 with scales, and its bias."""
        array = self._arrays.get(weight)
        if array is None or not array.ndim or array.shape[1:] != inputs:
            shape = "none" if array is None else array.shape
            raise MismatchError(f"array {weight!r}: found {shape}; allowed: (outputs, *{inputs})")
        self.array(bias, array.shape[:1])
        if array.dtype == np.int8:
            self.array(f"{weight}.scale", array.shape[:1])
        elif array.dtype != np.float32:
            raise MismatchError(f"array {weight!r}: found {array.dtype}; allowed: float32, int8")
        return len(array)

    def bounded(self, shape: Shape) -> Shape:
        """The shape itself, of no more than `LARGEST` entries."""
        if math.prod(shape) > LARGEST:
            raise MismatchError(f"found a layer of {shape}; allowed: at most {LARGEST:,} numbers")
        return shape
