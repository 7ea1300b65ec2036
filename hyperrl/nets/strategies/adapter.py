"""Generated adapters inside a shared network."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from hyperrl.config import Activation
from hyperrl.nets.activations import activation_class
from hyperrl.nets.layers import LayerSpec, Residual, SharedLayers, initial_weight
from hyperrl.nets.outputs import Outputs
from hyperrl.nets.strategies.base import SHARED_SCALE, Strategy, project_out, zero_mean_head
from hyperrl.nets.strategies.full import Full
from hyperrl.nets.weights import DenseLinear, GeneratedLinear, SharedLinear, Weights


class Adapter(Strategy):
    """Shared layers, each with a generated adapter before it: ``h + f(h D(c) + d(c)) U(c) + u(c)``.

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
        """Every layer that follows another in its network; one of a single input has nothing to adapt."""
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
        weights, biases = [], []
        for shared, _ in self.shared.named().values():
            rank, into = self.rank, shared.shape[0]
            down = initial_weight(LayerSpec(into, rank, gain=1.0)) * SHARED_SCALE
            size = float(down.square().sum())
            narrow, narrow_bias = zero_mean_head(
                features,
                nn.init.orthogonal_(torch.empty(features.shape[1], into * rank)),
                partial(_square_over, size=size),
            )
            # of U alone, what is orthogonal to W0 once it has passed through D
            up = nn.init.orthogonal_(torch.empty(features.shape[1], rank * into))
            up = project_out(up, (down.t() @ shared @ shared.t()).flatten())
            wide, wide_bias = zero_mean_head(features, up, partial(_share, down=down, shared=shared))
            zeros = torch.zeros(features.shape[1], rank + into)
            weights += [narrow, zeros[:, :rank], wide, zeros[:, rank:]]
            biases += [down.flatten() + narrow_bias, zeros[0, :rank], wide_bias, zeros[0, rank:]]
        return torch.cat(weights, dim=1), torch.cat(biases)

    def forward(self, outputs: Outputs, index: Int[Tensor, " row"] | None) -> Weights:
        """Shared layers and the adapters of the distinct tasks, formed or left in the generator's basis."""
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


def _square_over(change: Float[Tensor, "task entries"], size: float) -> Float[Tensor, " task"]:
    return change.square().sum(dim=1) / size


def _share(
    change: Float[Tensor, "task entries"],
    down: Float[Tensor, "inputs rank"],
    shared: Float[Tensor, "inputs outputs"],
) -> Float[Tensor, " task"]:
    """The sum of squares of D U W0 over that of W0, for the entries of each task's U."""
    narrow = change.view(change.shape[0], down.shape[1], -1) @ shared
    squares = (torch.linalg.qr(down).R @ narrow).square().sum(dim=(1, 2))
    part: Tensor = squares / shared.square().sum().clamp_min(1e-12)
    return part


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
        """One layer where the adapter is linear, else the same with the adapter's matrices formed."""
        if self.activation is None:
            return self.dense()
        return AdaptedLinear(self.shared, self.down.materialize(), self.up.materialize(), self.activation)

    def of_task(self, task: int) -> GeneratedLinear:
        """The formed weights of one task."""
        if self.activation is None:
            return super().of_task(task)
        parts = self.shared.of_task(task), self.down.of_task(task), self.up.of_task(task)
        return AdaptedLinear(*parts, self.activation)

    def joined(self, others: Sequence[GeneratedLinear]) -> GeneratedLinear:
        """The formed weights of these tasks, then those of others."""
        if self.activation is None:
            return super().joined(others)
        adapted: Any = others
        return AdaptedLinear(
            self.shared.joined([other.shared for other in adapted]),
            self.down.joined([other.down for other in adapted]),
            self.up.joined([other.up for other in adapted]),
            self.activation,
        )

    def tensors(self) -> dict[str, Tensor]:
        """As of a plain layer; with an activation ``"down.weight"``, ``"up.bias"``, ``"shared.weight"``..."""
        if self.activation is None:
            return super().tensors()
        parts = {"down": self.down, "up": self.up, "shared": self.shared}
        return {
            f"{part}.{key}": value for part, layer in parts.items() for key, value in layer.tensors().items()
        }

    def plain(self, task: int) -> nn.Module:
        """The plain layer of one task; with an activation, the adapter as a module before it."""
        if self.activation is None:
            return super().plain(task)
        bottleneck = (self.down.plain(task), deepcopy(self.activation), self.up.plain(task))
        return nn.Sequential(Residual(*bottleneck), self.shared.plain(task)).requires_grad_(False)
