"""Generated weights and the ways to apply them.

A layer's weights are either formed, one matrix a task, or left in their factors. Either way a target
network only says which layer to apply; how the product is taken is decided here.
"""

from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from hyperrl.nets.grouping import Each, Layout, Rows


@runtime_checkable
class GeneratedLinear(Protocol):
    """One generated affine layer for all tasks of a batch."""

    def __call__(self, h: Tensor) -> Tensor:
        """Applies each row's own weights, in the layout the weights were made for."""
        ...

    def repeated(self, times: int) -> "GeneratedLinear":
        """The same layer for a batch in which each row has become ``times`` rows in succession."""
        ...

    def dense(self) -> "DenseLinear":
        """The plain weights of each task."""
        ...


@dataclass(frozen=True)
class DenseLinear:
    """Formed weights: ``y = x W(c) + b(c)``, one batched product over tasks."""

    weight: Float[Tensor, "task inputs outputs"]
    bias: Float[Tensor, "task outputs"]

    def __call__(self, h: Tensor) -> Tensor:
        """(G, M, in) to (G, M, out); with one task also (B, in) to (B, out)."""
        if h.dim() == 2:
            return torch.addmm(self.bias[0], h, self.weight[0])
        return torch.baddbmm(self.bias.unsqueeze(1), h, self.weight)

    def repeated(self, times: int) -> "DenseLinear":
        """Itself: rows of one task share its matrix, however many they are."""
        return self

    def dense(self) -> "DenseLinear":
        """Itself."""
        return self


@dataclass(frozen=True)
class FactoredLinear:
    """Weights left in their factors: ``[W(c); b(c)] = [W0; b0] + [B; beta] diag(z(c)) A``.

    No weight matrix is formed. ``base`` holds W0 and B side by side, so that a layer is two products
    whatever the number of tasks: ``[p, q] = x [W0, B] + [b0, beta]`` and ``y = p + (q * z) A``.
    """

    base: Float[Tensor, "inputs both"]
    bias: Float[Tensor, " both"]
    up: Float[Tensor, "rank outputs"]
    code: Float[Tensor, "task rank"]
    row_code: Float[Tensor, "row rank"]

    def __call__(self, h: Tensor) -> Tensor:
        """(B, in) to (B, out)."""
        rank, out = self.up.shape
        shared, down = torch.split(torch.addmm(self.bias, h, self.base), [out, rank], dim=1)
        return torch.addmm(shared, down * self.row_code, self.up)

    def repeated(self, times: int) -> "FactoredLinear":
        """Each row's code for all the rows that it has become."""
        if len(self.row_code) == 1:
            return self
        return replace(self, row_code=self.row_code.repeat_interleave(times, dim=0))

    def dense(self) -> DenseLinear:
        """The plain weights of each task, formed from the factors."""
        rank, out = self.up.shape
        weight, down = torch.split(self.base, [out, rank], dim=1)
        bias, down_bias = torch.split(self.bias, [out, rank])
        return DenseLinear(
            weight + (down * self.code.unsqueeze(1)) @ self.up,
            bias + (down_bias * self.code) @ self.up,
        )


@dataclass(frozen=True)
class Weights:
    """The generated weights of a target network for the tasks of one batch.

    Opaque to whoever uses them: hand them to the target they were generated for.

    Args:
        layers: The generated layers by name.
        layout: How rows pass through them.
        index: The task of each row, where it is not "row i is task i" or "all rows are one task".
    """

    layers: dict[str, GeneratedLinear]
    layout: Layout
    index: Int[Tensor, " row"] | None = None

    def __getitem__(self, network: str) -> "Weights":
        """The weights of one network of a :class:`~hyperrl.nets.Parallel` target."""
        prefix = network + "."
        layers = {
            key.removeprefix(prefix): layer for key, layer in self.layers.items() if key.startswith(prefix)
        }
        if not layers:
            raise KeyError(network)
        return Weights(layers, self.layout, self.index)

    def dense(self) -> dict[str, Tensor]:
        """Plain tensors per task, shaped as in ``torch.nn.Linear``: ``"0.weight"``, ``"0.bias"``."""
        tensors = {}
        for name, layer in self.layers.items():
            formed = layer.dense()
            tensors[f"{name}.weight"] = formed.weight.transpose(1, 2)
            tensors[f"{name}.bias"] = formed.bias
        return tensors

    def formed(self) -> "Weights":
        """The same weights with every matrix formed: fastest to apply often to few rows, one row a task.

        Row i is then task i; with one task it serves any number of rows.
        """
        layers = {name: layer.dense() for name, layer in self.layers.items()}
        single = all(len(layer.bias) == 1 for layer in layers.values())
        return Weights(dict(layers), Rows() if single else Each())
