"""Encoders of numbers."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from hyperrl.nets.encoders.base import Encoder, Range, bounds, sample_box


class Vector(Encoder):
    """Numbers, scaled so that their range becomes [-1, 1].

    Args:
        dim: How many.
        descriptor_range: Their range; numbers outside are allowed.
    """

    low: Tensor
    high: Tensor

    def __init__(self, dim: int, descriptor_range: Range = (-1.0, 1.0)) -> None:
        super().__init__(dim, dim)
        low, high = bounds(descriptor_range, dim)
        self.register_buffer("low", low)
        self.register_buffer("high", high)

    def forward(self, descriptors: Float[Tensor, "task dim"]) -> Float[Tensor, "task inputs"]:
        """The scaled numbers."""
        return (2 * descriptors - self.low - self.high) / (self.high - self.low)

    def sample(self, tasks: int) -> Float[Tensor, "task dim"]:
        """Uniform in the range, half of them at its corners."""
        return sample_box(self.low, self.high, self.dim, tasks)

    def filler(self) -> Float[Tensor, " dim"]:
        """The middle of the range."""
        return (self.low + self.high) / 2


class MagnitudeInvariant(Vector):
    """Numbers as points on a quarter of the unit circle, so that they have one length for all tasks.

    The input encoding of Magnitude Invariant Parametrizations (Ortiz et al., ICLR 2024): a number that is g
    of the way through its range is (cos(g pi / 2), sin(g pi / 2)). The other half of theirs, generated
    changes added to learned weights, is what the strategies do by themselves: those weights are shared ones,
    or the head's bias. Beyond the range points go on around the circle, and come back after four ranges.

    Args:
        dim: How many numbers.
        descriptor_range: Their range.
    """

    def __init__(self, dim: int, descriptor_range: Range = (-1.0, 1.0)) -> None:
        super().__init__(dim, descriptor_range)
        self.out_dim = 2 * dim

    def forward(self, descriptors: Float[Tensor, "task dim"]) -> Float[Tensor, "task inputs"]:
        """Cosines, then sines: of length sqrt(dim)."""
        angle = (descriptors - self.low) / (self.high - self.low) * (math.pi / 2)
        return torch.cat([angle.cos(), angle.sin()], dim=1)


class State(Encoder):
    """An observation as descriptor: weights that follow the state (Sarafian et al., ICML 2021).

    Observations are compressed: ``sign(x) log(1 + |x|)`` (Hafner et al., 2023).

    Args:
        dim: Size of an observation.
    """

    def __init__(self, dim: int) -> None:
        super().__init__(dim, dim)

    def forward(self, descriptors: Float[Tensor, "task dim"]) -> Float[Tensor, "task inputs"]:
        """The compressed observations."""
        return descriptors.sign() * descriptors.abs().log1p()

    def sample(self, tasks: int) -> Float[Tensor, "task dim"]:
        """Standard normal."""
        return torch.randn(tasks, self.dim)


class Noise(Encoder):
    """Noise as descriptor: a distribution over networks (Krueger et al., Bayesian Hypernetworks, 2017).

    The columns hold draws from a standard normal distribution, see :meth:`draw`; zeros give the network in
    the middle. How far each of them carries is learned. As a part of a :class:`Concatenation`, a
    distribution for each task.

    Args:
        dim: How many numbers are drawn.
    """

    def __init__(self, dim: int) -> None:
        super().__init__(dim, dim)
        self.log_scale = nn.Parameter(torch.zeros(dim))

    def forward(self, descriptors: Float[Tensor, "task dim"]) -> Float[Tensor, "task inputs"]:
        """The scaled draws."""
        return descriptors * self.log_scale.exp()

    def draw(self, tasks: int, generator: torch.Generator | None = None) -> Float[Tensor, "task dim"]:
        """Fresh draws."""
        return torch.randn(
            tasks, self.dim, generator=generator, device=self.log_scale.device, dtype=self.log_scale.dtype
        )

    def sample(self, tasks: int) -> Float[Tensor, "task dim"]:
        """Fresh draws."""
        return self.draw(tasks)
