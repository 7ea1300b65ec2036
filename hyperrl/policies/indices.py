"""Indices beside observations: one for each row, or many for all of them."""

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from hyperrl.config import HypernetworkConfig
from hyperrl.policies.noise import indices_of
from hyperrl.recipes import CONTEXT

INDEX = "index"
"""The part of a training environment's observations that holds the index; none of an observation space."""

MANY = 32
"""Indices that a mean or a vote is over, where they are not all members."""


def draw_indices(config: HypernetworkConfig, count: int, seed: int = 0) -> Float[Tensor, "index dim"]:
    """Indices of an agent, from a generator of their own; of members each one, whatever ``count`` is."""
    if config.index.kind == "members":
        return torch.eye(config.index_dim)
    generator = torch.Generator().manual_seed(seed)
    return indices_of(config.index.kind, torch.randn(count, config.index_dim, generator=generator))


def with_indices(observation: dict[str, Any], indices: Float[Tensor, "row dim"]) -> dict[str, Any]:
    """Observations, as tensors, whose contexts have the index of each row behind them."""
    context = observation[CONTEXT]
    return {**observation, CONTEXT: torch.cat([context.flatten(1), indices.to(context)], dim=1)}


def vote(outputs: Float[Tensor, "index row actions"]) -> Int[Tensor, " row"]:
    """The action that most indices choose, by the highest of their outputs; of several the best by mean."""
    best = outputs.argmax(dim=2)
    votes = torch.nn.functional.one_hot(best, outputs.shape[2]).sum(dim=0)
    means = outputs.mean(dim=0).masked_fill(votes < votes.amax(dim=1, keepdim=True), -torch.inf)
    return means.argmax(dim=1)


def for_each_index(observation: dict[str, Any], indices: Float[Tensor, "index dim"]) -> dict[str, Any]:
    """Observations of n rows as those of (index * n) rows: all rows with the first index, then the second.

    Raises:
        ValueError: Observations without a context.
    """
    if CONTEXT not in observation:
        raise ValueError(f"observation: found {sorted(observation)}; allowed: with a 'context'")
    rows = len(observation[CONTEXT])
    repeated = {
        name: part.repeat(len(indices), *[1] * (part.dim() - 1)) for name, part in observation.items()
    }
    return with_indices(repeated, indices.repeat_interleave(rows, dim=0))
