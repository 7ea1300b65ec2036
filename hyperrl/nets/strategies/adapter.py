"""Generated adapters inside a shared network."""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from hyperrl.config import Activation
from hyperrl.nets.activations import activation_class
from hyperrl.nets.layers import LayerSpec, Residual, SharedLayers, initial_weight
from hyperrl.nets.outputs import Outputs
from hyperrl.nets.strategies.base import SHARED_SCALE, Strategy, orthogonal, project_out, zero_mean_head
from hyperrl.nets.strategies.full import Full
from hyperrl.nets.weights import DenseLinear, GeneratedLinear, SharedLinear, Weights


class Adapter(Strategy):
    """A generated adapter before each shared layer: ``h + f(h D(c) + d(c)) U(c) + u(c)``.

    The decision adapter (Beukman et al., NeurIPS 2023): a bottleneck with a skip connection whose every
    weight and bias is generated, after each hidden layer. The rest of the network is shared.

    Args:
        layers: The layers whose input an adapter changes.
        rank: Size of the bottleneck.
        activation: f of the bottleneck; None is a linear adapter, which plain weights can express.
    """

    def __init__(
        self,
        layers: Mapping[str, LayerSpec],
        rank: int = 8,
        activation: Activation | None = None,
    ) -> None:
        super().__init__()
        self.rank = rank
        self.activation = None if activation is None else activation_class("activation", activation)()
        self.affine = self.activation is None
        bottlenecks = {}
        for name, spec in layers.items():
            bottlenecks[f"{name}.down"] = LayerSpec(spec.in_features, rank, gain=1.0)
            bottlenecks[f"{name}.up"] = LayerSpec(rank, spec.in_features)
        self.bottlenecks = Full(bottlenecks)
        sizes = self.bottlenecks.sections
        self.sections = {name: sizes[f"{name}.down"] + sizes[f"{name}.up"] for name in layers}
        self.shared = SharedLayers(layers, SHARED_SCALE)

    @classmethod
    def default_layers(cls, layers: Mapping[str, LayerSpec]) -> tuple[str, ...]:
        """Every layer with more than one input that follows another layer in its network."""
        networks = [name.rpartition(".")[0] for name in layers]
        following = [
            name
            for number, (name, spec) in enumerate(layers.items())
            if spec.in_features > 1 and networks[number] in networks[:number]
        ]
        return tuple(following or layers)

    @torch.no_grad()
    def head(self, features: Float[Tensor, "task features"]) -> tuple[Tensor, Tensor]:
        """The generator's last layer at the start, weight (features, outputs) and bias (outputs,).

        D starts as an orthonormal basis that all tasks share, U small and different for each, biases at 0.
        """
        heads = [self._layer_head(features, shared) for shared, _ in self.shared.named().values()]
        return torch.cat([weight for weight, _ in heads], dim=1), torch.cat([bias for _, bias in heads])

    def _layer_head(self, features: Tensor, shared: Float[Tensor, "inputs outputs"]) -> tuple[Tensor, Tensor]:
        count, rank, into = features.shape[1], self.rank, shared.shape[0]
        down = initial_weight(LayerSpec(into, rank, gain=1.0)) * SHARED_SCALE
        size, total = float(down.norm()), shared.norm().clamp_min(1e-6)
        narrow, narrow_bias = zero_mean_head(
            features,
            orthogonal(count, into * rank),
            lambda change: change / size,
        )
        # D U W0 is orthogonal to W0, and small beside it
        up = orthogonal(count, rank * into)
        up = project_out(up, (down.t() @ shared @ shared.t()).flatten())
        factor = torch.linalg.qr(down).R
        wide, wide_bias = zero_mean_head(
            features,
            up,
            lambda change: factor @ change.view(-1, rank, into) @ shared / total,
        )
        zeros = torch.zeros(count, rank + into)
        weight = torch.cat([narrow, zeros[:, :rank], wide, zeros[:, rank:]], dim=1)
        return weight, torch.cat([down.flatten() + narrow_bias, zeros[0, :rank], wide_bias, zeros[0, rank:]])

    def forward(self, outputs: Outputs, index: Int[Tensor, " row"] | None) -> Weights:
        """Shared layers and the adapters of the distinct tasks, materialized or as a basis."""
        adapters = self.bottlenecks(outputs, index)
        layers: dict[str, GeneratedLinear] = {
            name: AdaptedLinear(
                SharedLinear(*shared, outputs.tasks),
                adapters.layers[f"{name}.down"],
                adapters.layers[f"{name}.up"],
                self.activation,
            )
            for name, shared in self.shared.named().items()
        }
        return Weights(layers, adapters.layout)


@dataclass(frozen=True)
class AdaptedLinear(GeneratedLinear):
    """``y = (h + f(h D(c) + d(c)) U(c) + u(c)) W0 + b0``."""

    shared: SharedLinear
    down: GeneratedLinear
    up: GeneratedLinear
    activation: nn.Module | None

    @property
    def tasks(self) -> int:
        """Number of tasks G."""
        return self.shared.count

    def __call__(self, h: Tensor) -> Tensor:
        """(..., in) to (..., out), in the adapters' layout."""
        narrow = self.down(h)
        if self.activation is not None:
            narrow = self.activation(narrow)
        return self.shared(h + self.up(narrow))

    def dense(self) -> DenseLinear:
        """The plain weights of each task, the linear adapter multiplied into the layer.

        Raises:
            ValueError: The adapter has an activation.
        """
        if self.activation is not None:
            raise ValueError("an adapter with an activation is not one affine layer")
        down, up = self.down.dense(), self.up.dense()
        weight, bias = self.shared.weight, self.shared.bias
        wide = up.weight @ weight
        inner = torch.baddbmm(up.bias.unsqueeze(1), down.bias.unsqueeze(1), up.weight).squeeze(1)
        return DenseLinear(weight + down.weight @ wide, torch.addmm(bias, inner, weight))

    def materialize(self) -> GeneratedLinear:
        """One plain layer if the adapter is linear, else the adapter with materialized weights."""
        if self.activation is None:
            return self.dense()
        return self._map(lambda layer, _: layer.materialize())

    def of_task(self, task: int) -> GeneratedLinear:
        """The materialized weights of one task."""
        if self.activation is None:
            return super().of_task(task)
        return self._map(lambda layer, _: layer.of_task(task))

    def join(self, others: Sequence[GeneratedLinear]) -> GeneratedLinear:
        """The materialized weights of these tasks, then those of others."""
        if self.activation is None:
            return super().join(others)
        return self._map(lambda layer, name: layer.join([getattr(other, name) for other in others]))

    def _map(self, change: Callable[[Any, str], Any]) -> GeneratedLinear:
        """The same adapter with its three layers changed."""
        layers = {name: change(getattr(self, name), name) for name in ("shared", "down", "up")}
        return AdaptedLinear(**layers, activation=self.activation)

    def tensors(self) -> dict[str, Tensor]:
        """As of a plain layer; with an activation ``"down.weight"``, ``"up.bias"``, ``"shared.weight"``..."""
        if self.activation is None:
            return super().tensors()
        layers = {"down": self.down, "up": self.up, "shared": self.shared}
        return {f"{name}.{key}": value for name in layers for key, value in layers[name].tensors().items()}

    def plain(self, task: int) -> nn.Module:
        """The plain layer of one task; with an activation, the adapter as a module before it."""
        if self.activation is None:
            return super().plain(task)
        bottleneck = (self.down.plain(task), deepcopy(self.activation), self.up.plain(task))
        return nn.Sequential(Residual(*bottleneck), self.shared.plain(task)).requires_grad_(False)
