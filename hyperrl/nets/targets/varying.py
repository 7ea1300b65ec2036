"""Networks of different widths and depths from one hypernetwork."""

from collections.abc import Callable, Sequence
from copy import deepcopy

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from hyperrl.arguments import check_arguments, integer
from hyperrl.nets.layers import HIDDEN_GAIN, LayerSpec
from hyperrl.nets.targets.base import plain_tensors
from hyperrl.nets.targets.mlp import MLP
from hyperrl.nets.weights import Weights


class VaryingMLP(nn.Module):
    """A multilayer perceptron whose width and depth may differ from row to row.

    The hypernetwork generates the largest network. A smaller one is its upper left corner: the first units
    of the first hidden layers, followed by the output layer. The units of a layer of w < width are scaled by
    ``sqrt(width / w)``, so that every size starts with the statistics of a network of its own.

    Args:
        in_features: Size of a row of x.
        out_features: Size of a row of y.
        width: Size of the hidden layers of the largest network.
        depth: Number of its hidden layers.
        activation: Makes the elementwise activation after each hidden layer.
        gain: Orthogonal gain of the hidden layers at the start; None starts all layers as torch does.
        out_gain: Orthogonal gain of the last layer (where ``gain`` is not None).
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        width: int = 64,
        depth: int = 2,
        activation: Callable[[], nn.Module] = nn.Tanh,
        gain: float | None = HIDDEN_GAIN,
        out_gain: float = 1.0,
    ) -> None:
        super().__init__()
        check_arguments({"width": integer(1), "depth": integer(1)}, locals())
        self.largest = MLP(in_features, out_features, (width,) * depth, activation, gain, out_gain)
        self.width, self.depth = width, depth

    @property
    def layers(self) -> dict[str, LayerSpec]:
        """The layers of the largest network, ``"0"`` the first."""
        return self.largest.layers

    def sizes(self, networks: Sequence[Sequence[int]]) -> Int[Tensor, "network layer"]:
        """Hidden sizes of several networks, such as ``[(8,), (16, 4)]``, as the rows that ``forward`` takes.

        Raises:
            ValueError: A network without a hidden layer, or larger than the largest.
        """
        for hidden in networks:
            fits = 1 <= len(hidden) <= self.depth and all(1 <= size <= self.width for size in hidden)
            if not fits:
                raise ValueError(
                    f"networks: found {tuple(hidden)}; allowed: 1 to {self.depth} sizes of 1 to {self.width}"
                )
        return torch.tensor([[*hidden, *[0] * (self.depth - len(hidden))] for hidden in networks])

    def forward(
        self,
        x: Float[Tensor, "row inputs"],
        weights: Weights,
        sizes: Int[Tensor, "row_or_1 layer"],
    ) -> Float[Tensor, "row outputs"]:
        """Applies the network, each row with its own task's weights and its own hidden sizes.

        Args:
            x: The inputs.
            weights: Of the rows' tasks.
            sizes: Each hidden layer's size for each row, or one row of them for all; 0 leaves a layer out.
                :meth:`sizes` makes them.
        """
        layout = weights.layout
        h = layout.enter(x)
        masks = self._masks(sizes, h.dtype).expand(len(x), -1, -1)
        entered = layout.enter(masks)
        for number, activation in enumerate(self.largest.activations):
            mask = entered[..., number, :]
            after = activation(weights.layers[str(number)](h)) * mask
            h = after if number == 0 else torch.where(mask[..., :1] > 0, after, h)
        return layout.leave(weights.layers[str(self.depth)](h))

    def _masks(self, sizes: Tensor, dtype: torch.dtype) -> Float[Tensor, "row layer unit"]:
        units = torch.arange(self.width, device=sizes.device)
        scale = (self.width / sizes.clamp_min(1).to(dtype)).sqrt()
        return (units < sizes.unsqueeze(-1)) * scale.unsqueeze(-1)

    @torch.no_grad()
    def specialize(
        self, weights: Weights, task: int = 0, hidden: Sequence[int] | None = None
    ) -> nn.Sequential:
        """The plain network of one task with the given hidden sizes, the largest by default.

        It holds the units that are used and no others, its weights frozen copies.

        Raises:
            ValueError: Hidden sizes that do not fit, or weights with a layer that is no affine map.
        """
        sizes = tuple(hidden) if hidden is not None else (self.width,) * self.depth
        self.sizes([sizes])
        dense = plain_tensors(weights)
        modules: list[nn.Module] = []
        into, scale = self.largest.in_features, 1.0
        names = [*map(str, range(len(sizes))), str(self.depth)]
        for name, out in zip(names, [*sizes, self.largest.out_features], strict=True):
            linear = nn.Linear(into, out, device=dense["0.weight"].device).requires_grad_(False)
            linear.weight.copy_(dense[f"{name}.weight"][task, :out, :into] * scale)
            linear.bias.copy_(dense[f"{name}.bias"][task, :out])
            modules.append(linear)
            into, scale = out, (self.width / out) ** 0.5
        activations = [deepcopy(activation) for activation in list(self.largest.activations)[: len(sizes)]]
        pairs = [module for pair in zip(modules, activations, strict=False) for module in pair]
        return nn.Sequential(*pairs, modules[-1]).requires_grad_(False)
