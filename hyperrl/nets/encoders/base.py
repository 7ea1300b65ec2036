"""The interface of encoders, and ranges of descriptors."""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from hyperrl.arguments import Constraint, check_arguments, integer, is_number

Bound = Tensor | float
Range = tuple[Bound, Bound]
"""Low and high: numbers, or tensors with one entry a column."""


def _is_range(value: Any) -> bool:
    pair = isinstance(value, Sequence) and len(value) == 2
    return pair and all(
        hasattr(bound, "__array__") or (is_number(bound) and math.isfinite(bound)) for bound in value
    )


RANGE = Constraint("two numbers, or two tensors with a number for each column", _is_range)


class Encoder(nn.Module, ABC):
    """Maps descriptors (G, ``dim``) to the inputs of a hypernetwork, (G, ``out_dim``).

    Inputs are of size 1 or so for typical descriptors: generators start by that.

    Args:
        dim: Number of columns of the descriptors.
        out_dim: Number of inputs of the hypernetwork.
    """

    def __init__(self, dim: int, out_dim: int) -> None:
        super().__init__()
        check_arguments({"dim": integer(0), "out_dim": integer(0)}, locals())
        self.dim, self.out_dim = dim, out_dim

    @abstractmethod
    def forward(self, descriptors: Float[Tensor, "task dim"]) -> Float[Tensor, "task inputs"]:
        """The inputs for each descriptor."""

    @abstractmethod
    def sample(self, tasks: int) -> Float[Tensor, "task dim"]:
        """Descriptors of tasks all over the range, by which the heads are set at the start."""

    def filler(self) -> Float[Tensor, " dim"]:
        """A descriptor that stands for one whose columns are missing, (dim,)."""
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


def sample_box(low: Bound, high: Bound, dim: int, tasks: int) -> Float[Tensor, "task dim"]:
    """Points uniform in the box from low to high, the first half of them its corners."""
    low, high = torch.as_tensor(low, dtype=torch.float32), torch.as_tensor(high, dtype=torch.float32)
    sample = torch.rand(tasks, dim)
    sample[: tasks // 2].round_()
    return low + (high - low) * sample
