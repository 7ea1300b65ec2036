"""What every strategy is to a hypernetwork, and how generated weights start.

At the start every task's network has the statistics of the plain network it stands for, while tasks
already differ: the shared part carries most of the variance, the generated part at most ``SHARE`` of
it, anywhere in the descriptors' range, and the two are orthogonal, so that variances add up exactly.
Shared part first, small generated part: Bias-HyperInit (Beck et al., CoRL 2022) with the variance of
the sum held, as hyperfan-in initialisation asks (Chang et al., ICLR 2020).
"""

import math
from typing import Protocol, runtime_checkable

from jaxtyping import Float, Int
from torch import Tensor

from hyperrl.nets.weights import Weights

SHARE = 0.1
"""Largest part of a generated weight's variance that differs between tasks at the start."""

KEPT = math.sqrt(1 - SHARE / 2)
"""What the shared part of a weight is scaled by to make room for the part that differs."""


@runtime_checkable
class Strategy(Protocol):
    """Says what is generated: a module with the shared parameters, if any, that belong to the choice."""

    @property
    def outputs(self) -> int:
        """How many numbers a task's weights are made of."""
        ...

    @property
    def factored(self) -> bool:
        """Whether weights stay in their factors, at a cost that does not depend on the number of tasks."""
        ...

    def head(self, features: Float[Tensor, "task features"]) -> tuple[Tensor, Tensor]:
        """The generator's last layer at the start, weight (features, outputs) and bias (outputs,).

        Args:
            features: What the generator's last layer sees, of tasks all over the descriptors' range.
        """
        ...

    def __call__(self, outputs: Float[Tensor, "task outputs"], index: Int[Tensor, " row"] | None) -> Weights:
        """The weights of G tasks, given the generator's outputs and the task of each row."""
        ...
