"""Generated weights and the ways to apply them.

A layer's weights are either materialized, one matrix for each task, or kept as factors. A target network
only says which layer to apply; the layer decides how to take the product.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from hyperrl.nets.grouping import BatchLayout, PerTask, SharedRows


class GeneratedLinear(ABC):
    """One affine layer for all tasks of a batch."""

    @property
    def tasks(self) -> int:
        """Number of tasks G."""
        return self.dense().tasks

    @abstractmethod
    def __call__(self, h: Tensor) -> Tensor:
        """Applies each row's own weights, in the layout the weights were made for.

        Rows are (B, ..., in), or (G, M, ..., in) where they lie grouped by task; what lies between, such
        as the places of an image, shares its row's weights.
        """

    @abstractmethod
    def dense(self) -> "DenseLinear":
        """The plain weights of each task.

        Raises:
            ValueError: The layer is no affine map.
        """

    def materialize(self) -> "GeneratedLinear":
        """The same layer, in the form that is fastest to apply many times to few rows, one for each task."""
        return self.dense()

    def of_task(self, task: int) -> "GeneratedLinear":
        """The materialized weights of one task."""
        return self.dense().of_task(task)

    def join(self, others: Sequence["GeneratedLinear"]) -> "GeneratedLinear":
        """The materialized weights of these tasks, then those of other layers of the same type."""
        return self.dense().join(others)

    def tensors(self) -> dict[str, Tensor]:
        """Plain tensors per task, shaped as in ``torch.nn.Linear``: ``"weight"``, ``"bias"``."""
        dense = self.dense()
        return {"weight": dense.weight.transpose(1, 2), "bias": dense.bias}

    def plain(self, task: int) -> nn.Module:
        """The plain layer of one task, with frozen copies of its weights."""
        dense = self.dense()
        weight, bias = dense.weight[task].detach().t(), dense.bias[task].detach()
        linear = nn.Linear(weight.shape[1], weight.shape[0], device=weight.device, dtype=weight.dtype)
        linear.weight.data.copy_(weight)
        linear.bias.data.copy_(bias)
        return linear.requires_grad_(False)


class RowLinear(GeneratedLinear):
    """A layer whose weights are kept as factors: the product is taken through them, row by row.

    Subclasses are dataclasses. A field whose name begins with ``row_`` has one entry for each row of the
    batch, or a single one if all rows share one task.
    """

    @abstractmethod
    def apply(self, h: Float[Tensor, "row inputs"]) -> Float[Tensor, "row outputs"]:
        """Applies each row's own weights."""

    def __call__(self, h: Tensor) -> Tensor:
        """(B, ..., in) to (B, ..., out)."""
        if h.dim() == 2:
            return self.apply(h)
        places = h.shape[1:-1].numel()
        factors = {name: line for name, line in vars(self).items() if name.startswith("row_")}
        spread = {
            name: line if line.shape[0] == 1 else line.repeat_interleave(places, dim=0)
            for name, line in factors.items()
        }
        rows: RowLinear = replace(self, **spread)  # type: ignore[type-var]
        return rows.apply(h.flatten(0, -2)).view(*h.shape[:-1], -1)


def affine(h: Tensor, weight: Float[Tensor, "inputs outputs"], bias: Float[Tensor, " outputs"]) -> Tensor:
    """``h W + b`` for rows of any shape, all with the same weights."""
    if h.dim() == 2:
        return torch.addmm(bias, h, weight)
    return torch.addmm(bias, h.flatten(0, -2), weight).view(*h.shape[:-1], -1)


@dataclass(frozen=True)
class DenseLinear(GeneratedLinear):
    """Materialized weights: ``y = x W(c) + b(c)``, one batched product over tasks."""

    weight: Float[Tensor, "task inputs outputs"]
    bias: Float[Tensor, "task outputs"]

    @property
    def tasks(self) -> int:
        """Number of tasks G."""
        return self.bias.shape[0]

    def __call__(self, h: Tensor) -> Tensor:
        """(G, M, ..., in) to (G, M, ..., out); with one task (B, ..., in) to (B, ..., out)."""
        if self.bias.shape[0] == 1:
            return affine(h, self.weight[0], self.bias[0])
        bias = self.bias.unsqueeze(1)
        if h.dim() == 3:
            return torch.baddbmm(bias, h, self.weight)
        return torch.baddbmm(bias, h.flatten(1, -2), self.weight).view(*h.shape[:-1], -1)

    def dense(self) -> "DenseLinear":
        """Itself."""
        return self

    def of_task(self, task: int) -> "DenseLinear":
        """The weights of one task."""
        return DenseLinear(self.weight[task : task + 1], self.bias[task : task + 1])

    def join(self, others: Sequence[GeneratedLinear]) -> "DenseLinear":
        """The weights of these tasks, then those of others."""
        parts = [self, *(other.dense() for other in others)]
        weight, bias = torch.cat([part.weight for part in parts]), torch.cat([part.bias for part in parts])
        return DenseLinear(weight, bias)


@dataclass(frozen=True)
class SharedLinear(GeneratedLinear):
    """A layer that is not generated: the same weights for every task, in any layout."""

    weight: Float[Tensor, "inputs outputs"]
    bias: Float[Tensor, " outputs"]
    count: int

    @property
    def tasks(self) -> int:
        """Number of tasks G."""
        return self.count

    def __call__(self, h: Tensor) -> Tensor:
        """(..., in) to (..., out)."""
        return affine(h, self.weight, self.bias)

    def dense(self) -> DenseLinear:
        """The same weights for each task, one storage for all."""
        return DenseLinear(self.weight.expand(self.count, -1, -1), self.bias.expand(self.count, -1))

    def materialize(self) -> "SharedLinear":
        """Itself."""
        return self

    def of_task(self, task: int) -> "SharedLinear":
        """The same layer for one task."""
        return replace(self, count=1)

    def join(self, others: Sequence[GeneratedLinear]) -> "SharedLinear":
        """The same layer for the tasks of all."""
        return replace(self, count=self.count + sum(other.tasks for other in others))


@dataclass(frozen=True)
class FactoredLinear(RowLinear):
    """Weights kept as factors: ``[W(c); b(c)] = [W0; b0] + [B; beta] diag(z(c)) A``.

    No weight matrix is materialized. ``base`` holds W0 and B side by side, so that a layer is two products
    whatever the number of tasks: ``[p, q] = x [W0, B] + [b0, beta]`` and ``y = p + (q * z) A``.
    """

    base: Float[Tensor, "inputs both"]
    bias: Float[Tensor, " both"]
    up: Float[Tensor, "rank outputs"]
    code: Float[Tensor, "task rank"]
    row_code: Float[Tensor, "row rank"]

    def apply(self, h: Float[Tensor, "row inputs"]) -> Float[Tensor, "row outputs"]:
        """(B, in) to (B, out)."""
        rank, out = self.up.shape
        shared, down = torch.split(torch.addmm(self.bias, h, self.base), [out, rank], dim=1)
        return torch.addmm(shared, down * self.row_code, self.up)

    def dense(self) -> DenseLinear:
        """The plain weights of each task, computed from the factors."""
        rank, out = self.up.shape
        weight, down = torch.split(self.base, [out, rank], dim=1)
        bias, down_bias = torch.split(self.bias, [out, rank])
        return DenseLinear(
            weight + (down * self.code.unsqueeze(1)) @ self.up,
            bias + (down_bias * self.code) @ self.up,
        )


@dataclass(frozen=True)
class BasisLinear(RowLinear):
    """``W(c) = H0 + sum_j phi_j(c) H_j`` with H the generator's last layer and phi its input.

    No W(c) is materialized: ``y = x H0 + sum_j phi_j (x H_j)``, at a cost independent of the number of tasks.
    The sum is one large product: over (phi_j x_i) if the layer has fewer inputs than outputs, else
    of x with all H_j side by side.
    """

    basis: Float[Tensor, "features inputs outputs"]
    base: Float[Tensor, "inputs outputs"]
    bias_basis: Float[Tensor, "features outputs"]
    bias: Float[Tensor, " outputs"]
    features: Float[Tensor, "task features"]
    row_features: Float[Tensor, "row features"]

    def apply(self, h: Float[Tensor, "row inputs"]) -> Float[Tensor, "row outputs"]:
        """(B, in) to (B, out)."""
        features = self.row_features.expand(h.shape[0], -1)
        shared = torch.addmm(torch.addmm(self.bias, features, self.bias_basis), h, self.base)
        number, inputs, outputs = self.basis.shape
        if inputs < outputs:
            joined = torch.bmm(features.unsqueeze(2), h.unsqueeze(1)).view(-1, number * inputs)
            return torch.addmm(shared, joined, self.basis.reshape(-1, outputs))
        each = (h @ self.basis.transpose(0, 1).reshape(inputs, -1)).view(-1, number, outputs)
        return torch.baddbmm(shared.unsqueeze(1), features.unsqueeze(1), each).squeeze(1)

    def dense(self) -> DenseLinear:
        """The plain weights of each task."""
        weight = torch.addmm(self.base.flatten(), self.features, self.basis.flatten(1))
        return DenseLinear(
            weight.view(-1, *self.base.shape), torch.addmm(self.bias, self.features, self.bias_basis)
        )


@dataclass(frozen=True)
class Weights:
    """The generated weights of a target network for the tasks of one batch.

    Pass them to the target that they were generated for.

    Args:
        layers: The generated layers by name.
        layout: How rows pass through them.
        index: The task of each row, for a target that groups rows itself; None: row i is task i,
            or all rows are the one task.
    """

    layers: dict[str, GeneratedLinear]
    layout: BatchLayout
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
        return {
            f"{name}.{key}": tensor
            for name, layer in self.layers.items()
            for key, tensor in layer.tensors().items()
        }

    def materialize(self) -> "Weights":
        """The same weights with every matrix materialized, to apply them many times to few rows.

        Row i is then task i; weights of one task apply to any number of rows.
        """
        return _materialized({name: layer.materialize() for name, layer in self.layers.items()})

    def of_task(self, task: int) -> "Weights":
        """The materialized weights of one task, for any number of rows."""
        return _materialized({name: layer.of_task(task) for name, layer in self.layers.items()})

    @classmethod
    def join(cls, parts: Sequence["Weights"]) -> "Weights":
        """Materialized weights of several tasks, for one row each."""
        first, *others = parts
        if not others:
            return first
        return _materialized(
            {
                name: layer.join([other.layers[name] for other in others])
                for name, layer in first.layers.items()
            }
        )


def _materialized(layers: dict[str, GeneratedLinear]) -> Weights:
    single = all(layer.tasks == 1 for layer in layers.values())
    return Weights(layers, SharedRows() if single else PerTask())
