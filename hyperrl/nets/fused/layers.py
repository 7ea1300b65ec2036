"""A layer of several networks side by side, with its backward pass."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from jaxtyping import Float
from torch import Tensor

from hyperrl.nets.flat import Place
from hyperrl.nets.fused.activations import FusedActivation
from hyperrl.nets.fused.pieces import Pieces

Codes = Float[Tensor, "network row codes"]
"""The numbers generated for a layer, of the task of each row; one row where all rows share one task."""

Saved = tuple[Tensor, ...]
"""What the backward pass of a layer needs beside its outputs."""


@dataclass(slots=True)
class Upstream:
    """The gradient of a layer's outputs, and where the layer writes the gradients of what it was made from.

    Args:
        gradient: The gradient of the outputs after their activation.
        outputs: The outputs after their activation.
        activation: The activation that follows the layer; None: there is none.
        inputs: Where the gradient of the inputs is written; None: it is not needed.
        codes: Where that of the layer's codes is written; None: it is not needed.
        shared: Where those of the layer's shared tensors are written; None: they are not needed.
    """

    gradient: Float[Tensor, "network row outputs"]
    outputs: Float[Tensor, "network row outputs"]
    activation: FusedActivation | None
    inputs: Float[Tensor, "network row inputs"] | None
    codes: Codes | None
    shared: Sequence[Tensor] | None

    def before_activation(self, out: Tensor) -> Tensor:
        """The gradient of the outputs before their activation, written to ``out``."""
        if self.activation is None:
            return out.copy_(self.gradient)
        self.activation.backward(self.gradient, self.outputs, out)
        return out


class FusedLayer(ABC):
    """One layer in each of N networks, each with its own weights; (N, B, in) to (N, B, out).

    Args:
        starts: Where the codes of each network's layer begin among those of all layers.
        places: Where its shared tensors lie in the strategy's flat parameter, for each network.
        width: How many codes the layer of one network has.

    Attributes:
        shared: The shared tensors, (N, rows, columns) each; a bias is one row.
    """

    def __init__(self, starts: Sequence[int], places: Sequence[Sequence[Place]], width: int) -> None:
        self.starts, self.width = tuple(starts), width
        self.own_places = tuple(map(tuple, places))
        self.shared = Pieces([_side_by_side(same) for same in zip(*places, strict=True)])
        self._distance = self.starts[1] - self.starts[0] if len(starts) > 1 else 0

    @property
    def networks(self) -> int:
        """Number of networks N."""
        return len(self.starts)

    @property
    def sizes(self) -> tuple[tuple[int, ...], ...]:
        """Shapes of one network's shared tensors."""
        return tuple(shape for shape, _, _ in self.own_places[0])

    @classmethod
    def join(cls, layers: Sequence["FusedLayer"]) -> "FusedLayer | None":
        """These layers side by side; None where their sizes differ, or their distances in memory."""
        starts = [start for layer in layers for start in layer.starts]
        places = [own for layer in layers for own in layer.own_places]
        offsets = [
            (start, *(place for _, _, place in own)) for start, own in zip(starts, places, strict=True)
        ]
        distances = {tuple(b - a for a, b in zip(*two, strict=True)) for two in pairwise(offsets)}
        if len({layer.sizes for layer in layers}) > 1 or len(distances) > 1:
            return None
        return cls(starts, places, layers[0].width)

    def codes(self, codes: Float[Tensor, "task all_codes"]) -> Float[Tensor, "network task codes"]:
        """The layer's part of all codes, or of their gradient."""
        tasks, columns = codes.shape
        shape, strides = (self.networks, tasks, self.width), (self._distance, columns, 1)
        return codes.as_strided(shape, strides, codes.storage_offset() + self.starts[0])

    @abstractmethod
    def forward(self, h: Tensor, codes: Codes, shared: Sequence[Tensor]) -> tuple[Tensor, Saved]:
        """The outputs (N, B, out) before the activation, and what :meth:`backward` needs.

        Args:
            h: The inputs (N, B, in).
            codes: Of the rows.
            shared: The shared tensors.
        """

    @abstractmethod
    def backward(self, upstream: Upstream, h: Tensor, saved: Saved, shared: Sequence[Tensor]) -> None:
        """Writes the gradients for which ``upstream`` has room."""


def _side_by_side(places: Sequence[Place]) -> Place:
    """The place of the same matrix of several networks; a vector is a matrix of one row."""
    (shape, strides, first), *others = places
    distance = others[0][2] - first if others else 0
    row = (1,) if len(shape) == 1 else ()
    return (len(places), *row, *shape), (distance, *row, *strides), first


def fused_layers(
    kind: type[FusedLayer], sections: Mapping[str, int], places: Sequence[Place]
) -> dict[str, FusedLayer]:
    """The layers of a strategy by name, each of one network.

    Args:
        kind: Their class.
        sections: How many codes belong to each layer, in order.
        places: Of all shared tensors, as many for each layer.
    """
    count = len(places) // len(sections)
    starts = accumulate(sections.values(), initial=0)
    own = (places[first : first + count] for first in range(0, len(places), count))
    return {
        name: kind([start], [its], width)
        for (name, width), start, its in zip(sections.items(), starts, own, strict=False)
    }
