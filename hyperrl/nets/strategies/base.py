"""The interface of strategies, and how generated weights start.

At the start every task's network has the statistics of the plain network it stands for, while tasks
already differ: the shared part carries most of the variance, the generated part at most ``SHARE`` of
it, anywhere in the descriptors' range, and the two are orthogonal, so that variances add up exactly.
Shared part first, small generated part: Bias-HyperInit (Beck et al., CoRL 2022) with the variance of
the sum kept constant, as in hyperfan-in initialization (Chang et al., ICLR 2020).
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from hyperrl.nets.flat import Flat
from hyperrl.nets.fused import FusedLayer
from hyperrl.nets.layers import LayerSpec
from hyperrl.nets.outputs import Outputs
from hyperrl.nets.weights import Weights

SHARE = 0.1
"""Largest part of a generated weight's variance that differs between tasks at the start."""

SHARED_SCALE = math.sqrt(1 - SHARE / 2)
"""What the shared part of a weight is scaled by to make room for the part that differs."""

_NOTHING = 1e-10

_WIDE = 16
"""Columns for each row from which on a random matrix is well conditioned: its singular values differ by less
than a factor of 1.7."""


class Strategy(nn.Module, ABC):
    """Makes the weights of layers from a generator's outputs; holds the parameters that all tasks share."""

    factored: bool = False
    """Whether weights stay in their factors, at a cost that does not depend on the number of tasks."""

    affine: bool = True
    """Whether every generated layer is an affine map, which a weight and a bias can express."""

    sections: dict[str, int]
    """The outputs in order: how many belong to each layer, by its name."""

    fused_layers: Mapping[str, FusedLayer] = MappingProxyType({})
    """The layers by name, where they can be applied in one step of differentiation; empty where not."""

    @property
    def outputs(self) -> int:
        """Number of outputs of the generator for each task."""
        return sum(self.sections.values())

    @abstractmethod
    def head(self, features: Float[Tensor, "task features"]) -> tuple[Tensor, Tensor]:
        """The generator's last layer at the start, weight (features, outputs) and bias (outputs,).

        Args:
            features: Inputs of the generator's last layer, for tasks all over the descriptors' range.
        """

    @abstractmethod
    def forward(self, outputs: Outputs, index: Int[Tensor, " row"] | None) -> Weights:
        """The weights of G tasks.

        Args:
            outputs: Of the generator for each task.
            index: The task of each row. None: row i is task i, or all rows are the one task where G is 1.
        """

    @property
    def flat(self) -> Flat:
        """The parameter that all tasks share, of a strategy with fused layers."""
        raise NotImplementedError

    @classmethod
    def default_layers(cls, layers: Mapping[str, LayerSpec]) -> tuple[str, ...]:
        """The layers that are generated where the user names none."""
        return tuple(layers)


def zero_mean_head(
    features: Float[Tensor, "task features"],
    change: Float[Tensor, "features outputs"],
    effect: Callable[[Tensor], Tensor],
) -> tuple[Tensor, Tensor]:
    """A head (weight, bias) whose outputs have mean 0 over the tasks and make up ``SHARE`` at most.

    Args:
        features: Of tasks all over the descriptors' range.
        change: The head's weight before it is scaled.
        effect: A linear function of rows of outputs, (row, outputs) to (row, ...), whose squares add up to
            what these outputs are in terms of the shared part's variance. Where it is 0 for every task the
            head is zero.
    """
    center = features.mean(dim=0)
    differences = features - center
    of_features = effect(change).flatten(1)
    gram = of_features @ of_features.t()
    largest = float(((differences @ gram) * differences).sum(dim=1).max())
    size = float(differences.square().sum(dim=1).max() * change.square().sum())
    weight = change * (math.sqrt(SHARE / largest) if largest > _NOTHING * (1 + size) else 0.0)
    return weight, -center @ weight


def all_equal(features: Float[Tensor, "task features"]) -> bool:
    """Whether all tasks are the same up to rounding, as with one learned descriptor.

    Nothing then says how large a change is: heads start at zero, as in :func:`zero_mean_head`.
    """
    differences = (features - features.mean(dim=0)).square().sum(dim=1).max()
    return bool(differences <= _NOTHING * features.square().sum(dim=1).max())


@torch.no_grad()
def orthogonal(rows: int, columns: int) -> Float[Tensor, "rows columns"]:
    """A random orthogonal matrix, by the same draws as ``nn.init.orthogonal_``.

    With many more columns than rows it is the draws A themselves, times the inverse of the factor L of
    ``A A' = L L'`` (Cholesky), which equals their QR factorization and takes a third of its time.
    """
    draws = torch.empty(rows, columns)
    if columns < _WIDE * rows:
        return nn.init.orthogonal_(draws)
    draws.normal_()
    lower = torch.linalg.cholesky(draws @ draws.t())
    matrix: Tensor = torch.linalg.inv(lower) @ draws
    return matrix


def project_out(change: Float[Tensor, "features outputs"], direction: Float[Tensor, " outputs"]) -> Tensor:
    """The change with each row's part along a direction taken away."""
    unit = nn.functional.normalize(direction, dim=0)
    return torch.addr(change, change @ unit, unit, alpha=-1)
