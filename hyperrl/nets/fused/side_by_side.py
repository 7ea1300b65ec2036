"""Materialized networks that act on few rows: every layer of all of them is one product."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

from hyperrl.nets.activations import ACTIVATIONS
from hyperrl.nets.fused.networks import Chain
from hyperrl.nets.weights import DenseLinear, SharedLinear, Weights


@dataclass(frozen=True)
class _Layer:
    """One layer of N networks for T tasks.

    The first layer has (T, in, N * out), the hidden ones have (T, N, in, out), and the last one has
    (T, N * in, outputs of all networks), zero where an input belongs to another network than an output.
    """

    weight: Tensor
    bias: Tensor


class SideBySide:
    """The plain weights of networks with equal hidden sizes, one set for each task.

    Args:
        names: Of the networks.
        activations: One for each hidden layer.
        outputs: How many outputs each network has.
        layers: The layers, hidden ones first.
    """

    def __init__(
        self,
        names: Sequence[str],
        activations: Sequence[nn.Module],
        outputs: Sequence[int],
        layers: Sequence[_Layer],
    ) -> None:
        self.names, self.activations, self.outputs = tuple(names), tuple(activations), tuple(outputs)
        self.layers = list(layers)
        self.columns = [slice(*both) for both in pairwise(accumulate(outputs, initial=0))]

    @classmethod
    def of(cls, chains: Mapping[str, Chain], weights: Mapping[str, Weights]) -> "SideBySide | None":
        """The networks side by side; None where they cannot be.

        They differ in more than their outputs, have no chain, or an activation of a class that is not
        known to be elementwise and without parameters.

        Args:
            chains: The networks by name.
            weights: Materialized, of each network, one for each task.
        """
        if set(chains) != set(weights) or len({len(chain) for chain in chains.values()}) != 1:
            return None
        kinds = {tuple(map(_elementwise, chain[:-1])) for chain in chains.values()}
        activations = [module for _, module in next(iter(chains.values()))[:-1] if module is not None]
        if len(kinds) > 1 or not activations or None in next(iter(kinds)):
            return None
        found = [list(weights[name].layers.values()) for name in chains]
        if not all(isinstance(layer, DenseLinear | SharedLinear) for layers in found for layer in layers):
            return None
        own = [[layer.dense() for layer in layers] for layers in found]
        *hidden, ends = zip(*own, strict=True)
        if any(len({layer.weight.shape for layer in same}) > 1 for same in hidden):
            return None
        first, *others = hidden
        layers = [
            _Layer(torch.cat([each.weight for each in first], dim=2), _row(first)),
            *(_Layer(torch.stack([each.weight for each in same], dim=1), _rows(same)) for same in others),
            _Layer(torch.stack([_diagonal(list(each)) for each in _by_task(ends)]), _row(ends)),
        ]
        return cls(list(chains), activations, [end.bias.shape[1] for end in ends], layers)

    def of_task(self, task: int) -> "SideBySide":
        """The weights of one task."""
        own = slice(task, task + 1)
        return self._with([_Layer(layer.weight[own], layer.bias[own]) for layer in self.layers])

    def join(self, others: Sequence["SideBySide"]) -> "SideBySide":
        """The weights of these tasks, then those of others."""
        if not others:
            return self
        joined = zip(self.layers, *(other.layers for other in others), strict=True)
        return self._with(
            [
                _Layer(torch.cat([each.weight for each in same]), torch.cat([each.bias for each in same]))
                for same in joined
            ]
        )

    def _with(self, layers: Sequence[_Layer]) -> "SideBySide":
        return SideBySide(self.names, self.activations, self.outputs, layers)

    @property
    def tasks(self) -> int:
        """Number of tasks T."""
        return len(self.layers[0].weight)

    def apply(self, x: Float[Tensor, "row inputs"], *names: str) -> list[Tensor]:
        """The outputs (row, outputs) of the named networks; row i is of task i, or all are of the one."""
        if self.tasks == 1:
            return [self._one_task(x, number) for number, name in enumerate(self.names) if name in names]
        first, *others, last = self.layers
        h = self.activations[0](torch.baddbmm(first.bias, x.unsqueeze(1), first.weight))
        count, size = len(self.names), h.shape[2] // len(self.names)
        for layer, activation in zip(others, self.activations[1:], strict=True):
            weight, bias = layer.weight.flatten(0, 1), layer.bias.flatten(0, 1)
            h = activation(torch.baddbmm(bias, h.view(len(x) * count, 1, size), weight))
            size = h.shape[2]
        y = torch.baddbmm(last.bias, h.view(len(x), 1, count * size), last.weight).squeeze(1)
        return [y[:, own] for own, name in zip(self.columns, self.names, strict=True) if name in names]

    def _one_task(self, x: Tensor, number: int) -> Tensor:
        """One network on rows that share its weights."""
        first, *others, last = self.layers
        size = first.weight.shape[2] // len(self.names)
        own = slice(number * size, (number + 1) * size)
        h = self.activations[0](torch.addmm(first.bias[0, 0, own], x, first.weight[0, :, own]))
        for layer, activation in zip(others, self.activations[1:], strict=True):
            h = activation(torch.addmm(layer.bias[0, number, 0], h, layer.weight[0, number]))
        rows = slice(number * h.shape[1], (number + 1) * h.shape[1])
        columns = self.columns[number]
        return torch.addmm(last.bias[0, 0, columns], h, last.weight[0, rows, columns])


def _elementwise(step: tuple[str, nn.Module | None]) -> str | None:
    """What an activation computes; None of one that may have parameters, or look at a whole row."""
    _, module = step
    return repr(module) if type(module) in ACTIVATIONS.values() else None


def _row(layers: Sequence[DenseLinear]) -> Float[Tensor, "task 1 outputs"]:
    """The biases of all networks one after the other."""
    return torch.cat([layer.bias for layer in layers], dim=1).unsqueeze(1)


def _rows(layers: Sequence[DenseLinear]) -> Float[Tensor, "task network 1 outputs"]:
    """The biases of each network."""
    return torch.stack([layer.bias for layer in layers], dim=1).unsqueeze(2)


def _by_task(layers: Sequence[DenseLinear]) -> Iterator[tuple[Tensor, ...]]:
    """The weights of all networks, task by task."""
    return zip(*(layer.weight for layer in layers), strict=True)


def _diagonal(weights: Sequence[Tensor]) -> Tensor:
    """Matrices along a diagonal of zeros."""
    diagonal: Tensor = torch.block_diag(*weights)  # type: ignore[no-untyped-call]
    return diagonal
