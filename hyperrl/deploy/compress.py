"""Smaller specialists: pruned by magnitude, or with weights of eight bits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hyperrl.deploy.plan import Specialist
from hyperrl.errors import UserError


def prune(specialist: Specialist, share: float) -> Specialist:
    """The same network with no more than a share of its parameters, the other weights zero.

    Weights of linear layers and convolutions are removed in the order of their layer-adaptive magnitude: a
    weight's square over the sum of the squares in its layer that are no smaller (LAMP, Lee et al., ICLR
    2021). So every layer keeps its largest weight. Biases and normalizations stay.

    Args:
        specialist: not quantized.
        share: of weights and biases that stay, above 0 and at most 1.

    Raises:
        UserError: a share too small for the biases and one weight a layer.
    """
    names = list(dict.fromkeys(specialist.matrices))
    constants = specialist.constants
    total = sum(array.size for name, array in specialist.arrays.items() if name not in constants)
    weights = sum(specialist.arrays[name].size for name in names)
    remaining = int(share * total) - (total - weights)
    if remaining < len(names):
        least = (total - weights + len(names)) / total
        raise UserError(
            f"budget: found {share:g}; allowed: at least {least:.2g} here, for biases and a weight a layer"
        )
    scores = {name: _scores(specialist.arrays[name]) for name in names}
    least_score = np.sort(np.concatenate([score.ravel() for score in scores.values()]))[-remaining]
    pruned = {
        name: np.where(score >= least_score, specialist.arrays[name], np.float32(0))
        for name, score in scores.items()
    }
    return replace(specialist, arrays=specialist.arrays | pruned)


def _scores(weight: NDArray[np.float32]) -> NDArray[np.float64]:
    squares = np.square(weight.astype(np.float64)).ravel()
    order = np.argsort(squares, kind="stable")
    no_smaller = np.cumsum(squares[order][::-1])[::-1]
    scores = np.zeros_like(squares)
    scores[order] = squares[order] / np.maximum(no_smaller, np.finfo(np.float64).tiny)
    return scores.reshape(weight.shape)


def quantize(specialist: Specialist) -> Specialist:
    """The same network with int8 weights, a scale for each output of a layer; biases stay float32."""
    arrays = dict(specialist.arrays)
    for name in specialist.matrices:
        weight = specialist.arrays[name]
        largest = np.abs(weight.reshape(len(weight), -1)).max(axis=1)
        scale = np.where(largest > 0, largest / 127, 1).astype(np.float32)
        steps = np.round(weight / scale.reshape(-1, *[1] * (weight.ndim - 1)))
        arrays[name], arrays[f"{name}.scale"] = steps.astype(np.int8), scale
    return replace(specialist, arrays=arrays)
