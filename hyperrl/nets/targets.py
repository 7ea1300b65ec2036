"""Target networks: skeletons without parameters, applied with generated weights."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from itertools import pairwise, zip_longest
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from hyperrl.nets.layers import HIDDEN_GAIN, LayerSpec
from hyperrl.nets.weights import DenseLinear, Weights


@runtime_checkable
class Target(Protocol):
    """What a hypernetwork needs to know of a network to generate its weights."""

    @property
    def layers(self) -> dict[str, LayerSpec]:
        """The generated layers by name."""
        ...


class MLP(nn.Module):
    """A multilayer perceptron without parameters of its own.

    Args:
        in_features: Size of a row of x.
        out_features: Size of a row of y.
        hidden: Sizes of the hidden layers.
        activation: Elementwise activation after each hidden layer.
        gain: Orthogonal gain of the hidden layers at the start; None starts all layers as
            ``torch.nn.Linear`` does.
        out_gain: Orthogonal gain of the last layer (where ``gain`` is not None).
        with_latent: The last hidden activations follow the outputs in a row of y.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        hidden: Sequence[int] = (64, 64),
        activation: type[nn.Module] = nn.Tanh,
        gain: float | None = HIDDEN_GAIN,
        out_gain: float = 1.0,
        with_latent: bool = False,
    ) -> None:
        super().__init__()
        self.in_features, self.out_features, self.hidden = in_features, out_features, tuple(hidden)
        sizes = (in_features, *hidden, out_features)
        self.specs = [LayerSpec(size, following, gain) for size, following in pairwise(sizes)]
        if gain is not None:
            self.specs[-1] = LayerSpec(sizes[-2], out_features, out_gain)
        self.activations = nn.ModuleList(activation() for _ in hidden)
        self.with_latent = with_latent

    @property
    def layers(self) -> dict[str, LayerSpec]:
        """The generated layers, ``"0"`` the first."""
        return {str(number): spec for number, spec in enumerate(self.specs)}

    def forward(self, x: Float[Tensor, "row inputs"], weights: Weights) -> Float[Tensor, "row outputs"]:
        """Applies the network, each row with its own task's weights."""
        *hidden, last = weights.layers.values()
        h = weights.layout.enter(x)
        for layer, activation in zip(hidden, self.activations, strict=True):
            h = activation(layer(h))
        y = last(h)
        return weights.layout.leave(torch.cat([y, h], dim=-1) if self.with_latent else y)

    def specialize(self, weights: Weights, task: int = 0) -> nn.Sequential:
        """The plain network of one task, its weights frozen copies; no hypernetwork left."""
        modules: list[nn.Module] = []
        for layer, activation in zip_longest(weights.layers.values(), self.activations):
            formed: DenseLinear = layer.dense()
            _, into, out = formed.weight.shape
            linear = nn.Linear(into, out, device=formed.weight.device)
            linear.weight.data.copy_(formed.weight[task].detach().t())
            linear.bias.data.copy_(formed.bias[task].detach())
            modules += [linear] if activation is None else [linear, deepcopy(activation)]
        return nn.Sequential(*modules).requires_grad_(False)


class Parallel(nn.Module):
    """Several target networks whose weights come from one hypernetwork, such as an actor and a critic."""

    def __init__(self, networks: Mapping[str, MLP]) -> None:
        super().__init__()
        self.networks = nn.ModuleDict(networks)

    @property
    def layers(self) -> dict[str, LayerSpec]:
        """The generated layers of all networks, ``"actor.0"`` the first of the network ``"actor"``."""
        return {f"{name}.{key}": spec for name, net in self.named() for key, spec in net.layers.items()}

    def named(self) -> list[tuple[str, MLP]]:
        """The networks by name, in order."""
        networks: Any = self.networks.items()
        return list(networks)

    def forward(self, x: Float[Tensor, "row inputs"], weights: Weights) -> dict[str, Tensor]:
        """Applies every network to the same rows."""
        return {name: net(x, weights[name]) for name, net in self.named()}
