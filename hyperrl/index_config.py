"""The configuration of an index: noise that tells one of many networks from the others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from hyperrl.arguments import FLAG, finite, integer, one_of
from hyperrl.config_fields import Config, option

IndexKind = Literal["gaussian", "sphere", "members"]
Acting = Literal["thompson", "mean", "vote"]
"""How an agent with an index acts."""


@dataclass(frozen=True)
class IndexConfig(Config):
    """What an index is, and how an off-policy agent learns and explores by it."""

    kind: IndexKind = option("gaussian", one_of(get_args(IndexKind)))
    """gaussian: normal numbers; sphere: a point on the sphere whose numbers have a mean square of 1; members:
    one of a number of networks"""
    act: Acting = option("thompson", one_of(get_args(Acting)))
    """how training acts: by an index that is drawn for each episode (thompson), by the network in the middle
    (mean), or by what most of 32 indices choose (vote, discrete actions)"""
    samples: int | None = option(None, integer(1, 1024).or_none())
    """indices that each replayed transition is learned with in an update; none: 1, or each member"""
    prior_scale: float = option(0.0, finite(0, below=1e6))
    """factor of a fixed random network's values that are added to the critic's; 0: none are"""
    target_noise: float = option(0.0, finite(0, below=1e6))
    """standard deviation of what is added to rewards, another number for each transition and index"""

    separate: bool = option(False, FLAG)
    """members share nothing: each is a network of its own, which sees no context (an ensemble, as
    bootstrapped DQN has it)"""

    def changed(self) -> Iterator[tuple[str, Any, Any]]:
        """Name, value and default of the fields that are not at their defaults."""
        for each in fields(self):
            if (value := getattr(self, each.name)) != each.default:
                yield each.name, value, each.default
