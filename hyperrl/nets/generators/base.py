"""The interface of generators: descriptors become features, and a linear head turns features into outputs."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

from hyperrl.nets.flat import Flat
from hyperrl.nets.fused import CodeSource
from hyperrl.nets.generators.head import Head
from hyperrl.nets.outputs import Outputs

SPREAD = 2.0
"""Standard deviation of the hidden units' inputs at the start, for descriptors of size 1.

Units that bend within the range of the descriptors let weights follow the context freely; units that are
nearly linear there would make them proportional to it, within the range and without end beyond it.
"""


class Generator(nn.Module, ABC):
    """Turns descriptors into the outputs that a strategy needs, in one section for each generated layer.

    Features are one vector for each task, (G, F), shared by all sections, or one for each task and section,
    (G, L, F). Either way the head is one matrix (F, outputs); a section's columns apply to its features.

    Args:
        descriptor_dim: Size of a descriptor.
        hidden: Sizes of the hidden layers.
        sections: Sizes of the L sections of outputs.
        activation: Elementwise activation of the hidden layers.
        head_norm: Normalization of the heads, see :class:`~hyperrl.nets.generators.Head`.
        separate_head: Whether the head is a separate parameter. A normalized head always is; otherwise all
            tensors lie in one parameter, which is fastest.
    """

    def __init__(
        self,
        descriptor_dim: int,
        hidden: Sequence[int],
        sections: Sequence[int],
        activation: Callable[[], nn.Module] = nn.Tanh,
        head_norm: str | None = None,
        separate_head: bool = False,
    ) -> None:
        super().__init__()
        self.sections = tuple(sections)
        body, self.features_dim = self._body(descriptor_dim, hidden)
        width, outputs = self.features_dim, sum(self.sections)
        self.head = Head(width, sections, head_norm) if separate_head or head_norm is not None else None
        self._has_body = bool(body)
        head = [] if self.head is not None else [(width, outputs), (outputs,)]
        self.layers = Flat([*body, *head]) if body or head else None
        self.activation = activation()

    @abstractmethod
    def _body(self, descriptor_dim: int, hidden: Sequence[int]) -> tuple[list[Tensor], int]:
        """Initial values of all tensors before the head, and the number of features F."""

    @abstractmethod
    def _features(self, descriptors: Tensor, body: Sequence[Tensor]) -> Tensor:
        """The features, computed with the tensors of the body."""

    def forward(self, inputs: Float[Tensor, "task inputs"]) -> Outputs:
        """The outputs of each task, as features and the head that turns them into outputs."""
        tensors = [] if self.layers is None else self.layers()
        if self.head is None:
            *tensors, weight, bias = tensors
        else:
            weight, bias = self.head()
        return Outputs(self._features(inputs, tensors), weight, bias, self.sections)

    @property
    def fused(self) -> CodeSource | None:
        """The same computation with a backward pass by hand; None where the generator has no such form."""
        return None

    @property
    def flat(self) -> Tensor:
        """The parameter of a generator with a fused form."""
        assert self.layers is not None
        return self.layers.values

    @torch.no_grad()
    def set_head(self, weight: Float[Tensor, "features outputs"], bias: Float[Tensor, " outputs"]) -> None:
        """Sets the head."""
        if self.head is not None:
            self.head.set(weight, bias)
        elif self.layers is not None:
            *_, head_weight, head_bias = self.layers()
            head_weight.copy_(weight)
            head_bias.copy_(bias)

    def body_and_head(self) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
        """The parameters before the head, and those of the head; one that holds both is among the former."""
        layers = [] if self.layers is None else list(self.layers.parameters())
        if self.head is not None:
            return layers, list(self.head.parameters())
        return (layers, []) if self._has_body else ([], layers)


def bending_layers(sizes: Sequence[int]) -> list[Tensor]:
    """Weights and biases of layers from size to size whose units bend within the range of their inputs."""
    tensors = []
    for size, following in pairwise(sizes):
        weight = torch.randn(size, following) * (SPREAD / math.sqrt(size))
        tensors += [weight, torch.empty(following).uniform_(-SPREAD, SPREAD)]
    return tensors


def plain_layer(size: int, following: int, gain: float = 1.0) -> list[Tensor]:
    """Weight and bias of a layer that keeps the variance of its inputs, times ``gain`` squared."""
    return [torch.randn(size, following) * (gain / math.sqrt(size)), torch.zeros(following)]
