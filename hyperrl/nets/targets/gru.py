"""Recurrent networks, for sequences."""

import math
from collections.abc import Callable, Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn

from hyperrl.arguments import check_arguments, integer
from hyperrl.nets.layers import LayerSpec
from hyperrl.nets.targets.mlp import ARGUMENTS
from hyperrl.nets.weights import Weights

GATES_GAIN = math.sqrt(3)
"""Gain of the orthogonal matrix of three gates, whose entries then have a single gate's mean square."""


class GRU(nn.Module):
    """A gated recurrent unit and an affine output, without parameters of their own.

    The equations and the order of the gates are ``torch.nn.GRU``'s.

    Args:
        in_features: Size of x at one step.
        out_features: Size of y at one step.
        hidden_size: Size H of the state.
        gain: Orthogonal gain of the gates at the start; None starts all layers as ``torch.nn.Linear`` does.
        out_gain: Orthogonal gain of the output (where ``gain`` is not None).
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        hidden_size: int = 64,
        gain: float | None = GATES_GAIN,
        out_gain: float = 1.0,
    ) -> None:
        super().__init__()
        check_arguments({**ARGUMENTS, "hidden_size": integer(1)}, locals())
        self.in_features, self.out_features, self.hidden_size = in_features, out_features, hidden_size
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
    ) -> tuple[Float[Tensor, "row step outputs"], Float[Tensor, "row hidden"]]:
        """Applies the network to one sequence for each row, with the weights of its task.

        Args:
            x: One step or many.
            weights: Of the rows' tasks.
            state: Before the first step; None is zeros.

        Returns:
            y at every step, and the state after the last.
        """
        layout = weights.layout
        y, h = _run(weights.layers, layout.enter(x), None if state is None else layout.enter(state))
        return layout.leave(y), layout.leave(h)

    def specialize(self, weights: Weights, task: int = 0) -> "PlainGRU":
        """The plain network of one task with frozen copies of its weights, without the hypernetwork."""
        return PlainGRU({name: weights.layers[name].plain(task) for name in self._layers})


class PlainGRU(nn.Module):
    """The recurrent network of one task; its arguments are those of :class:`GRU` without the weights."""

    def __init__(self, layers: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.layers = nn.ModuleDict(layers)

    def forward(
        self,
        x: Float[Tensor, "row step inputs"],
        state: Float[Tensor, "row hidden"] | None = None,
    ) -> tuple[Float[Tensor, "row step outputs"], Float[Tensor, "row hidden"]]:
        """The outputs at every step, and the state after the last."""
        return _run(dict(self.layers.items()), x, state)


def _run(
    layers: Mapping[str, Callable[[Tensor], Tensor]],
    x: Float[Tensor, "*lead step inputs"],
    state: Float[Tensor, "*lead hidden"] | None,
) -> tuple[Tensor, Tensor]:
    """Outputs at every step and the state after the last, by the equations of ``torch.nn.GRU``."""
    gates = layers["input"](x)
    size = gates.shape[-1] // 3
    h = gates.new_zeros(*gates.shape[:-2], size) if state is None else state
    states = []
    for step in gates.unbind(-2):
        of_input, new_input = torch.split(step, [2 * size, size], dim=-1)
        of_state, new_state = torch.split(layers["recurrent"](h), [2 * size, size], dim=-1)
        reset, update = torch.sigmoid(of_input + of_state).chunk(2, dim=-1)
        h = torch.lerp(torch.tanh(torch.addcmul(new_input, reset, new_state)), h, update)
        states.append(h)
    return layers["output"](torch.stack(states, dim=-2)), h
