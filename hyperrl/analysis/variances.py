"""Variances of activations and gradients in a policy's networks, over those of plain networks.

Every task gets the same observations, so that tasks differ by their context alone. Each number is a variance
over that of a plain network of the same shape, as Stable-Baselines3 initializes it. Both are means over
initializations:

- within tasks, the variance over observations, over the plain network's over the same observations;
- between tasks, the variance over tasks at one observation, over that of plain networks which differ in their
  seed. 1: two tasks' networks differ as much as two plain networks; 0: they are the same.

Activations are layers' outputs before any nonlinearity. Gradients are with respect to them, of the sum of all
outputs of actor and critic, each times a standard normal draw that is the same for all tasks. A generator's
are variances over contexts; its gradients are those of the sum of its features, each times such a draw.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from hyperrl.analysis.probe import Signals

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
    """Means of variances by layer over initializations, each of activations and of gradients, (2,).

    Args:
        tasks: number of tasks; their rows follow each other in signals.
    """

    def __init__(self, tasks: int) -> None:
        self.tasks = tasks
        self._sums: dict[str, dict[str, Tensor]] = {}
        self._counts = Counter[str]()

    @property
    def layers(self) -> list[str]:
        """Names of the layers, in the order in which they were added."""
        return list(self._sums)

    def add(self, signals: Signals, prefix: str = "") -> None:
        """Add the signals of one initialization."""
        for layer, both in signals.items():
            pair = torch.stack([each.double().view(self.tasks, -1, each.shape[1]) for each in both])
            values = {
                "within": pair.var(dim=2, correction=0).mean(dim=(1, 2)),
                "between": pair.var(dim=1, correction=0).mean(dim=(1, 2)),
                "squares": pair.square().mean(dim=(1, 2, 3)),
            }
            if self.tasks == 1:
                values["signals"] = pair
            sums = self._sums.setdefault(prefix + layer, {})
            sums |= {name: sums[name] + value if name in sums else value for name, value in values.items()}
            self._counts[prefix + layer] += 1

    def mean(self, layer: str, name: str) -> Tensor:
        """The mean of `within`, `between` or `squares` over initializations."""
        return self._sums[layer][name] / self._counts[layer]

    def between_seeds(self, layer: str) -> Tensor:
        """Variances over initializations, where there is one task."""
        count = self._counts[layer]
        means = self.mean(layer, "signals").square().mean(dim=(1, 2, 3))
        return (self.mean(layer, "squares") - means) * (count / (count - 1))

    def size(self, layer: str) -> float:
        """Root mean square of activations."""
        return math.sqrt(float(self.mean(layer, "squares")[0]))


def _ratios(values: Tensor, plain: Tensor, scale: Tensor) -> list[float | None]:
    """Of activations and of gradients; None where the plain network's is nothing but rounding."""
    triples = zip(values.tolist(), plain.tolist(), scale.tolist(), strict=True)
    return [value / other if other > _ROUNDING * size else None for value, other, size in triples]


def network_rows(variances: Variances, plain: Variances) -> Iterator[VarianceRow]:
    """The layers of actor and critic."""
    for layer in variances.layers:
        network, _, number = layer.partition(".")
        scale = plain.mean(layer, "squares")
        within = _ratios(variances.mean(layer, "within"), plain.mean(layer, "within"), scale)
        between = _ratios(variances.mean(layer, "between"), plain.between_seeds(layer), scale)
        yield VarianceRow(
            network, number, within[0], between[0], within[1], between[1], variances.size(layer)
        )


def generator_rows(variances: Variances, plain: Variances) -> Iterator[VarianceRow]:
    """The hidden layers of generators, whose rows are contexts of one task."""
    for layer in variances.layers:
        network, _, number = layer.partition(".")
        means = variances.mean(layer, "within"), plain.mean(layer, "within"), plain.mean(layer, "squares")
        activations, gradients = _ratios(*means)
        yield VarianceRow(network, number, None, activations, None, gradients, variances.size(layer))
