"""Variances of what goes forward and backward through a policy's networks, over those of plain networks.

Every task meets the same observations, so that what differs between tasks is the context's doing alone. Each
number is a variance over that of a plain network of the same shape, as Stable-Baselines3 initializes it, and
both are means over `SEEDS` initializations:

- within tasks, the variance over observations, over the plain network's over the same observations;
- between tasks, the variance over tasks at one observation, over that of plain networks which differ in their
  seed. 1: two tasks' networks are as unlike as two plain networks; 0: they are the same.

Activations are layers' outputs before any nonlinearity. Gradients are with respect to them, of the sum of all
outputs of actor and critic, each times a standard normal draw that is the same for all tasks. A generator's
are variances over contexts; its gradients are those of the sum of its features, each times such a draw.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from hyperrl.analysis.probe import Signals

SEEDS = 16
"""Initializations that are averaged over."""

_ROUNDING = 1e-9
"""A variance below this part of the mean square is rounding."""


@dataclass(frozen=True)
class VarianceRow:
    """One layer's variances over the plain network's; None where there is nothing to compare.

    Attributes:
        network: "actor", "critic" (of several, "critic0" the first), "generator" (of several hypernetworks,
            "actor's generator").
        layer: "0" the first; "hidden 0" of a generator.
        within: of activations within tasks.
        between: of activations between tasks; of a generator, over contexts.
        gradients_within: of gradients within tasks.
        gradients_between: likewise between tasks.
        size: root mean square of activations.
    """

    network: str
    layer: str
    within: float | None
    between: float | None
    gradients_within: float | None
    gradients_between: float | None
    size: float


class Variances:
    """Variances of signals by layer, of activations and of gradients, added up over initializations."""

    def __init__(self, tasks: int) -> None:
        self.tasks, self.count = tasks, 0
        self.within: dict[str, Tensor] = {}
        self.between: dict[str, Tensor] = {}
        self.squares: dict[str, Tensor] = {}
        self._sums: dict[str, Tensor] = {}

    def add(self, signals: Signals, prefix: str = "") -> None:
        """Add those of one initialization."""
        for layer, both in signals.items():
            pair = torch.stack([each.double().view(self.tasks, -1, each.shape[1]) for each in both])
            _add(self.within, prefix + layer, pair.var(dim=2, correction=0).mean(dim=(1, 2)))
            _add(self.between, prefix + layer, pair.var(dim=1, correction=0).mean(dim=(1, 2)))
            _add(self.squares, prefix + layer, pair.square().mean(dim=(1, 2, 3)))
            if self.tasks == 1:
                _add(self._sums, prefix + layer, pair)

    def size(self, layer: str) -> float:
        """Root mean square of activations."""
        return math.sqrt(float(self.squares[layer][0]) / SEEDS)

    def between_seeds(self, layer: str) -> Tensor:
        """Variances over initializations, added up likewise."""
        mean = (self._sums[layer] / SEEDS).square().mean(dim=(1, 2, 3))
        return (self.squares[layer] - SEEDS * mean) * (SEEDS / (SEEDS - 1))


def _add(to: dict[str, Tensor], name: str, values: Tensor) -> None:
    to[name] = to[name] + values if name in to else values


def _ratios(own: Tensor, plain: Tensor, scale: Tensor) -> tuple[float | None, float | None]:
    """Of activations and of gradients; None where the plain network's is nothing but rounding."""
    pairs = zip(own.tolist(), plain.tolist(), scale.tolist(), strict=True)
    first, second = (each / of if of > _ROUNDING * size else None for each, of, size in pairs)
    return first, second


def network_rows(own: Variances, plain: Variances) -> Iterator[VarianceRow]:
    """The layers of actor and critic."""
    for layer in own.within:
        network, _, number = layer.partition(".")
        scale = plain.squares[layer]
        within = _ratios(own.within[layer], plain.within[layer], scale)
        between = _ratios(own.between[layer], plain.between_seeds(layer), scale)
        yield VarianceRow(network, number, within[0], between[0], within[1], between[1], own.size(layer))


def generator_rows(own: Variances, plain: Variances) -> Iterator[VarianceRow]:
    """The hidden layers of generators, whose signals were added without telling tasks apart."""
    for layer in own.within:
        network, _, number = layer.partition(".")
        activations, gradients = _ratios(own.within[layer], plain.within[layer], plain.squares[layer])
        yield VarianceRow(network, number, None, activations, None, gradients, own.size(layer))
