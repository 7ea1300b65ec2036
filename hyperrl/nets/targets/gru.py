"""Recurrent networks for tasks that one observation does not tell everything about."""

import math
from collections.abc import Callable, Mapping

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from hyperrl.arguments import check_arguments, integer
from hyperrl.nets.layers import LayerSpec
from hyperrl.nets.targets.mlp import ARGUMENTS
from hyperrl.nets.weights import Weights

GATES_GAIN = math.sqrt(3)
"""Three gates are one orthogonal matrix of this gain: entries of mean square 1 / size, as of one alone."""


class GRU(nn.Module):
    """A gated recurrent unit and an affine output, without parameters of their own.

    The equations and the order of the gates are ``torch.nn.GRU``'s.

    Args:
        in_features: Size of x at one step.
        out_features: Size of y at one step.
        hidden_size: Size H of the state.
        gain: Orthogonal gain of the gates at the start; None starts all layers as ``torch.nn.Linear`` does.
        out_gain: Orthogonal gain of the output (where ``gain`` is not None).
        with_latent: The state after each step follows the outputs in a row of y.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        hidden_size: int = 64,
        gain: float | None = GATES_GAIN,
        out_gain: float = 1.0,
        with_latent: bool = False,
    ) -> None:
        super().__init__()
        check_arguments({**ARGUMENTS, "hidden_size": integer(1)}, locals())
        self.in_features, self.out_features, self.hidden_size = in_features, out_features, hidden_size
        self.with_latent = with_latent
        self._layers = {
            "input": LayerSpec(in_features, 3 * hidden_size, gain, maps=3),
            "recurrent": LayerSpec(hidden_size, 3 * hidden_size, gain, maps=3),
            "output": LayerSpec(hidden_size, out_features, None if gain is None else out_gain),
        }

    @property
    def layers(self) -> dict[str, LayerSpec]:
        """``"input"`` and ``"recurrent"``, three gates each (reset, update, new), and ``"output"``."""
        return dict(self._layers)

    def forward(
        self,
        x: Float[Tensor, "row step inputs"],
        weights: Weights,
        state: Float[Tensor, "row hidden"] | None = None,
        starts: Bool[Tensor, "row step"] | None = None,
    ) -> tuple[Float[Tensor, "row step outputs"], Float[Tensor, "row hidden"]]:
        """Applies the network to a sequence a row, each with its own task's weights.

        Args:
            x: One step or many.
            weights: Of the rows' tasks.
            state: Before the first step; None is zeros.
            starts: Steps before which a row's state is set to zeros, as an episode's first.

        Returns:
            y at every step, and the state after the last.
        """
        layout = weights.layout
        states = None if state is None else layout.enter(state)
        kept = None if starts is None else layout.enter((~starts).to(x.dtype))
        y, h = _run(weights.layers, layout.enter(x), states, kept, self.with_latent)
        return layout.leave(y), layout.leave(h)

    def specialize(self, weights: Weights, task: int = 0) -> "PlainGRU":
        """The plain network of one task, its weights frozen copies; no hypernetwork left."""
        layers = {name: weights.layers[name].plain(task) for name in self._layers}
        return PlainGRU(layers)


class PlainGRU(nn.Module):
    """The recurrent network of one task; called as :class:`GRU` is, without the weights."""

    def __init__(self, layers: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.layers = nn.ModuleDict(layers)

    def forward(
        self,
        x: Float[Tensor, "row step inputs"],
        state: Float[Tensor, "row hidden"] | None = None,
        starts: Bool[Tensor, "row step"] | None = None,
    ) -> tuple[Float[Tensor, "row step outputs"], Float[Tensor, "row hidden"]]:
        """The outputs at every step, and the state after the last."""
        layers = dict(self.layers.items())
        return _run(layers, x, state, None if starts is None else (~starts).to(x.dtype), False)


def _run(
    layers: Mapping[str, Callable[[Tensor], Tensor]],
    x: Float[Tensor, "*lead step inputs"],
    state: Float[Tensor, "*lead hidden"] | None,
    kept: Float[Tensor, "*lead step"] | None,
    with_latent: bool,
) -> tuple[Tensor, Tensor]:
    gates = layers["input"](x)
    h = gates.new_zeros(*gates.shape[:-2], gates.shape[-1] // 3) if state is None else state
    states = []
    for step, given in enumerate(gates.unbind(-2)):
        if kept is not None:
            h = h * kept[..., step, None]
        h = _step(given, layers["recurrent"](h), h)
        states.append(h)
    latent = torch.stack(states, dim=-2)
    y = layers["output"](latent)
    return (torch.cat([y, latent], dim=-1) if with_latent else y), h


def _step(given: Tensor, recurrent: Tensor, h: Tensor) -> Tensor:
    size = h.shape[-1]
    given_gates, given_new = torch.split(given, [2 * size, size], dim=-1)
    gates, new = torch.split(recurrent, [2 * size, size], dim=-1)
    reset, update = torch.sigmoid(given_gates + gates).chunk(2, dim=-1)
    return torch.lerp(torch.tanh(torch.addcmul(given_new, reset, new)), h, update)
