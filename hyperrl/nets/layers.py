"""Layers before anything generates them: their shapes, how they start, and those that all tasks share."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor, nn

from hyperrl.nets.flat import Flat

HIDDEN_GAIN = math.sqrt(2)


@dataclass(frozen=True)
class LayerSpec:
    """An affine map ``y = x W + b`` whose W and b are generated.

    Args:
        in_features: Size of x.
        out_features: Size of y.
        gain: W starts as an orthogonal matrix of this gain and b as zero, as Stable-Baselines3
            initializes its policies; None starts both as ``torch.nn.Linear`` does.
        start: W, shaped (in_features, out_features), and b of an existing layer to start from instead
            (with ``gain=None``).
        maps: How many maps of the same x lie side by side in W, such as gates; ``gain`` is that of all of W.
        uses: How many rows use an entry of x on average, as overlapping patches use a pixel.
    """

    in_features: int
    out_features: int
    gain: float | None = HIDDEN_GAIN
    start: tuple[Tensor, Tensor] | None = field(default=None, compare=False, repr=False)
    maps: int = 1
    uses: float = 1.0

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of W."""
        return self.in_features, self.out_features

    @property
    def entries(self) -> int:
        """Number of entries of W."""
        return self.in_features * self.out_features

    @property
    def parameters(self) -> int:
        """Number of weights and biases of one task's layer."""
        return self.entries + self.out_features

    @property
    def fan_out(self) -> float:
        """How many entries of y depend on an entry of x, on average, within one map."""
        return self.uses * self.out_features / self.maps

    @property
    def mean_square(self) -> float:
        """Mean square of W's entries at the start."""
        if self.start is not None:
            return float(self.start[0].square().mean())
        if self.gain is None:
            return 1 / (3 * self.in_features)
        return self.gain**2 / max(self.in_features, self.out_features)


def initial_weight(spec: LayerSpec) -> Float[Tensor, "inputs outputs"]:
    """A fresh W, applied as ``x @ W``, as the layer would start without a hypernetwork."""
    return fill_weight(torch.empty(spec.shape), spec)


@torch.no_grad()
def fill_weight(weight: Float[Tensor, "inputs outputs"], spec: LayerSpec) -> Tensor:
    """Sets a tensor, which may be a view, to what :func:`initial_weight` returns; returns it."""
    if spec.start is not None:
        return weight.copy_(spec.start[0])
    if spec.gain is None:
        nn.init.kaiming_uniform_(weight.t(), a=math.sqrt(5))
    else:
        nn.init.orthogonal_(weight.t(), gain=spec.gain)
    return weight


def initial_bias(spec: LayerSpec) -> Float[Tensor, " outputs"]:
    """A fresh b as the layer would start without a hypernetwork."""
    if spec.start is not None:
        return spec.start[1].clone()
    if spec.gain is None:
        bound = 1 / math.sqrt(spec.in_features)
        return torch.empty(spec.out_features).uniform_(-bound, bound)
    return torch.zeros(spec.out_features)


class SharedLayers(Flat):
    """Layers that all tasks share, as one parameter.

    Args:
        specs: The layers by name.
        scale: What the initial weights are multiplied by.
    """

    def __init__(self, specs: Mapping[str, LayerSpec], scale: float = 1.0) -> None:
        super().__init__([size for spec in specs.values() for size in (spec.shape, (spec.out_features,))])
        self.names = tuple(specs)
        with torch.no_grad():
            for (weight, bias), spec in zip(pairs(self()), specs.values(), strict=True):
                fill_weight(weight, spec).mul_(scale)
                bias.copy_(initial_bias(spec))

    def named(self) -> dict[str, tuple[Tensor, Tensor]]:
        """W (in, out) and b (out,) of each layer."""
        return dict(zip(self.names, pairs(self()), strict=True))


def pairs(tensors: Sequence[Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
    """The first and second tensor, the third and fourth, and so on, such as weights and biases."""
    return zip(tensors[::2], tensors[1::2], strict=True)


class Residual(nn.Sequential):
    """Modules one after the other, whose input is added to their output (He et al., CVPR 2016)."""

    def forward(self, x: Tensor) -> Tensor:
        """(..., size) to the same shape."""
        change: Tensor = super().forward(x)  # type: ignore[no-untyped-call]
        return x + change
