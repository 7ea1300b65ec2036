"""What every encoder is."""

from abc import ABC, abstractmethod

import torch
from jaxtyping import Float
from torch import Tensor, nn

from hyperrl.nets.arguments import RANGE, check, whole

Bound = Tensor | float
Range = tuple[Bound, Bound]
"""Low and high: numbers, or tensors with one entry a column."""


class Encoder(nn.Module, ABC):
    """Maps descriptors (G, ``dim``) to what the hypernetwork sees, (G, ``features``).

    Features are of size 1 or so for typical descriptors: generators start by that.

    Args:
        dim: Number of columns of the descriptors.
        features: Size of what the hypernetwork sees.
    """

    def __init__(self, dim: int, features: int) -> None:
        super().__init__()
        check({"dim": whole(0), "features": whole(0)}, locals())
        self.dim, self.features = dim, features

    @abstractmethod
    def forward(self, descriptors: Float[Tensor, "task dim"]) -> Float[Tensor, "task features"]:
        """The features of each descriptor."""

    @abstractmethod
    def sample(self, tasks: int) -> Float[Tensor, "task dim"]:
        """Descriptors of tasks all over the range, by which the heads are set at the start."""

    def filler(self) -> Float[Tensor, " dim"]:
        """What stands for the columns of a descriptor that are missing."""
        return torch.zeros(self.dim)


def bounds(value: Range, dim: int) -> tuple[Tensor, Tensor]:
    """Low and high, (dim,) each.

    Raises:
        ValueError: A low that is not below its high.
    """
    RANGE.check("descriptor_range", value)
    low, high = (torch.as_tensor(bound, dtype=torch.float32).expand(dim).clone() for bound in value)
    if not bool((low < high).all()):
        raise ValueError(f"descriptor_range: found {value}; every low must be below its high")
    return low, high


def spread_over(low: Tensor, high: Tensor, tasks: int) -> Tensor:
    """Points uniform in the box (tasks, dim), the first half of them its corners."""
    sample = torch.rand(tasks, len(low))
    sample[: tasks // 2].round_()
    return low + (high - low) * sample
