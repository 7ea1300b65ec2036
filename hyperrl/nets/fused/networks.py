"""Networks arranged side by side, and their passes forward and backward."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from hyperrl.nets.fused.activations import FUSED_ACTIVATIONS, FusedActivation
from hyperrl.nets.fused.layers import Codes, FusedLayer, Saved, Upstream
from hyperrl.nets.fused.rows import Rows

Chain = Sequence[tuple[str, nn.Module | None]]
"""A network's layers in order: their names, each with the activation that follows, if one does."""


@dataclass(slots=True)
class WeightInputs:
    """What the weights of all layers are made from.

    Args:
        codes: The numbers generated for each row, of all layers; for each task where ``rows`` is given.
        flat: The parameter that all tasks share.
        rows: Of the batch, where each layer's numbers are spread by themselves.
    """

    codes: Float[Tensor, "task_or_row codes"]
    flat: Float[Tensor, " entries"]
    rows: Rows | None

    def of_layer(self, layer: FusedLayer) -> Codes:
        """The numbers of each row, of one layer."""
        codes = layer.codes(self.codes)
        return codes if self.rows is None else self.rows.spread_layer(codes)


@dataclass(slots=True)
class GradientRoom:
    """Where the gradients of codes and of the flat parameter are written, as in :class:`WeightInputs`.

    None where they are not needed.
    """

    codes: Float[Tensor, "task_or_row codes"] | None
    flat: Float[Tensor, " entries"] | None
    rows: Rows | None


@dataclass(slots=True)
class Pass:
    """One layer's part of a forward pass, as its backward pass needs it."""

    layer: FusedLayer
    activation: FusedActivation | None
    h: Tensor
    outputs: Tensor
    saved: Saved
    shared: Sequence[Tensor]

    def backward(self, gradient: Tensor, room: GradientRoom, inputs: Tensor | None) -> None:
        """Writes the gradients of codes and shared tensors, and that of the inputs, where there is room."""
        layer = self.layer
        shared = None if room.flat is None else layer.shared.cut(room.flat)
        upstream = Upstream(gradient, self.outputs, self.activation, inputs, None, shared)
        if room.codes is None:
            layer.backward(upstream, self.h, self.saved, self.shared)
        elif room.rows is not None:
            upstream.codes = gradient.new_empty((*gradient.shape[:2], layer.width))
            layer.backward(upstream, self.h, self.saved, self.shared)
            room.rows.collect_layer(upstream.codes, layer.codes(room.codes))
        else:
            upstream.codes = layer.codes(room.codes)
            layer.backward(upstream, self.h, self.saved, self.shared)


@dataclass(frozen=True)
class Branch:
    """Networks side by side, with hidden layers of equal sizes.

    Args:
        numbers: The places of the networks in the order in which outputs are returned.
        hidden: The hidden layers of all of them, each with its activation.
        ends: Their last layers, which are one where they have equal sizes.
    """

    numbers: Sequence[int]
    hidden: Sequence[tuple[FusedLayer, FusedActivation]]
    ends: Sequence[FusedLayer]

    def forward(
        self, x: Float[Tensor, "row inputs"], given: WeightInputs, passes: list[Pass]
    ) -> list[Tensor]:
        """The outputs (B, out) of each network; what the backward pass needs is appended to ``passes``."""
        h = x.expand(len(self.numbers), *x.shape)
        for layer, activation in self.hidden:
            shared = layer.shared.of(given.flat)
            y, saved = layer.forward(h, given.of_layer(layer), shared)
            y = activation.forward(y)
            passes.append(Pass(layer, activation, h, y, saved, shared))
            h = y
        ends: list[Tensor] = []
        for layer in self.ends:
            own = h[len(ends) : len(ends) + layer.networks]
            shared = layer.shared.of(given.flat)
            y, saved = layer.forward(own, given.of_layer(layer), shared)
            passes.append(Pass(layer, None, own, y.detach(), saved, shared))
            ends += [y[number] for number in range(layer.networks)]
        return ends

    def backward(
        self, gradients: Sequence[Tensor | None], passes: Sequence[Pass], room: GradientRoom, of_x: bool
    ) -> Tensor | None:
        """Writes the gradients where there is room, and returns that of x (B, in) if it is needed."""
        last = len(self.hidden)
        below = self._room_below(passes[last], of_x or last > 0)
        number = 0
        for end in passes[last:]:
            own = slice(number, number + end.layer.networks)
            inputs, number = None if below is None else below[own], own.stop
            if (gradient := _stacked(gradients[own])) is not None:
                end.backward(gradient, room, inputs)
            elif inputs is not None:
                inputs.zero_()
        for number in reversed(range(last)):
            assert below is not None
            above, below = below, self._room_below(passes[number], of_x or number > 0)
            passes[number].backward(above, room, below)
        return None if below is None else below.sum(dim=0)

    def _room_below(self, of: Pass, needed: bool) -> Tensor | None:
        return of.h.new_empty(len(self.numbers), *of.h.shape[1:]) if needed else None


def _stacked(gradients: Sequence[Tensor | None]) -> Tensor | None:
    """(N, B, out) of N networks, zero where one has none; None where all have none."""
    given = [gradient for gradient in gradients if gradient is not None]
    if not given:
        return None
    return torch.stack([torch.zeros_like(given[0]) if each is None else each for each in gradients])


class FusedNetworks:
    """Networks all of whose layers and activations have a fused form.

    Args:
        chains: The networks by name.
        layers: Their layers by name.
    """

    def __init__(self, chains: Mapping[str, Chain], layers: Mapping[str, FusedLayer]) -> None:
        self.chains, self.layers = dict(chains), dict(layers)
        self._branches: dict[tuple[str, ...], list[Branch]] = {}

    @classmethod
    def of(cls, chains: Mapping[str, Chain], layers: Mapping[str, FusedLayer]) -> "FusedNetworks | None":
        """The networks; None where a layer or an activation has no fused form."""
        steps = [step for chain in chains.values() for step in chain]
        if not steps or {name for name, _ in steps} != set(layers):
            return None
        hidden = [module for chain in chains.values() for _, module in chain[:-1]]
        return cls(chains, layers) if all(type(module) in FUSED_ACTIVATIONS for module in hidden) else None

    def branches(self, names: tuple[str, ...]) -> list[Branch]:
        """The named networks, those of equal hidden sizes side by side."""
        if names not in self._branches:
            chosen = [chain for name, chain in self.chains.items() if name in names]
            by_sizes: dict[Any, list[int]] = {}
            for number, chain in enumerate(chosen):
                sizes = [(self.layers[name].sizes, type(module)) for name, module in chain[:-1]]
                by_sizes.setdefault(tuple(sizes), []).append(number)
            self._branches[names] = [
                branch for numbers in by_sizes.values() for branch in self._arranged(numbers, chosen)
            ]
        return self._branches[names]

    def _arranged(self, numbers: Sequence[int], chains: Sequence[Chain]) -> list[Branch]:
        """One branch of these networks; several where their tensors do not lie at equal distances."""
        own = [chains[number] for number in numbers]
        hidden: list[tuple[FusedLayer, FusedActivation]] = []
        for place, (_, module) in enumerate(own[0][:-1]):
            layers = [self.layers[chain[place][0]] for chain in own]
            joined = type(layers[0]).join(layers)
            if joined is None:
                return [branch for number in numbers for branch in self._arranged([number], chains)]
            kind: Any = type(module)
            hidden.append((joined, FUSED_ACTIVATIONS[kind]))
        ends = [self.layers[chain[-1][0]] for chain in own]
        together = type(ends[0]).join(ends)
        return [Branch(numbers, hidden, ends if together is None else [together])]
