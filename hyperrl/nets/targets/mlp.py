"""Multilayer perceptrons."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

from hyperrl.arguments import FLAG, SIZES, Constraint, check_arguments, finite, integer
from hyperrl.nets.activations import ACTIVATION
from hyperrl.nets.fused import Chain
from hyperrl.nets.layers import HIDDEN_GAIN, LayerSpec, Residual
from hyperrl.nets.weights import GeneratedLinear, Weights

NORM_GAIN = 0.1
"""Gain of the layer that generates a normalization's scale and shift: near one and zero at the start."""


ARGUMENTS: dict[str, Constraint] = {
    "in_features": integer(1),
    "out_features": integer(1),
    "hidden": SIZES,
    "activation": ACTIVATION,
    "gain": finite().or_none(),
    "out_gain": finite(),
    "with_latent": FLAG,
    "layer_norm": FLAG,
    "residual": FLAG,
}
"""What the arguments of a target may be."""


class MLP(nn.Module):
    """A multilayer perceptron without parameters of its own.

    Args:
        in_features: Size of a row of x.
        out_features: Size of a row of y.
        hidden: Sizes of the hidden layers.
        activation: Makes the elementwise activation after each hidden layer: a class or any function of no
            arguments. Parameters that it has are shared by all tasks and belong to the target.
        gain: Orthogonal gain of the hidden layers at the start; None starts all layers as
            ``torch.nn.Linear`` does.
        out_gain: Orthogonal gain of the last layer (where ``gain`` is not None).
        with_latent: The last hidden activations follow the outputs in a row of y.
        layer_norm: Layer normalization (Ba et al., 2016) between each hidden layer and its activation. Its
            scale and shift are generated as separate layers, the first named ``"norm.0"``, so that they can
            be shared.
        residual: Hidden layers with as many inputs as outputs add their input to their activations
            (He et al., CVPR 2016).
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        hidden: Sequence[int] = (64, 64),
        activation: Callable[[], nn.Module] = nn.Tanh,
        gain: float | None = HIDDEN_GAIN,
        out_gain: float = 1.0,
        with_latent: bool = False,
        layer_norm: bool = False,
        residual: bool = False,
    ) -> None:
        super().__init__()
        check_arguments(ARGUMENTS, locals())
        self.in_features, self.out_features, self.hidden = in_features, out_features, tuple(hidden)
        sizes = (in_features, *hidden, out_features)
        self.specs = [LayerSpec(size, following, gain) for size, following in pairwise(sizes)]
        if gain is not None:
            self.specs[-1] = LayerSpec(sizes[-2], out_features, out_gain)
        self.activations = nn.ModuleList(activation() for _ in hidden)
        self.with_latent, self.layer_norm, self.residual = with_latent, layer_norm, residual

    @property
    def layers(self) -> dict[str, LayerSpec]:
        """The generated layers, ``"0"`` the first."""
        layers = {}
        for number, spec in enumerate(self.specs):
            layers[str(number)] = spec
            if self.layer_norm and number < len(self.hidden):
                layers[f"norm.{number}"] = LayerSpec(1, 2 * spec.out_features, NORM_GAIN)
        return layers

    def forward(self, x: Float[Tensor, "row inputs"], weights: Weights) -> Float[Tensor, "row outputs"]:
        """Applies the network, each row with its own task's weights."""
        layers = weights.layers
        h = weights.layout.enter(x)
        for number, activation in enumerate(self.activations):
            after = layers[str(number)](h)
            if self.layer_norm:
                after = _normalized(after, layers[f"norm.{number}"])
            after = activation(after)
            h = h + after if self._adds_input(number) else after
        y = layers[str(len(self.hidden))](h)
        return weights.layout.leave(torch.cat([y, h], dim=-1) if self.with_latent else y)

    @property
    def chains(self) -> dict[str, Chain]:
        """The layers, each with its activation, by the network's name, ``""``; empty where more happens."""
        if type(self).forward is not MLP.forward:
            return {}
        if self.layer_norm or self.with_latent or any(map(self._adds_input, range(len(self.hidden)))):
            return {}
        return {"": [(str(number), module) for number, module in enumerate([*self.activations, None])]}

    def _adds_input(self, number: int) -> bool:
        spec = self.specs[number]
        return self.residual and spec.in_features == spec.out_features

    def specialize(self, weights: Weights, task: int = 0) -> nn.Sequential:
        """The plain network of one task with frozen copies of its weights, without the hypernetwork."""
        layers = weights.layers
        modules: list[nn.Module] = []
        for number, activation in enumerate(self.activations):
            block: list[nn.Module] = [layers[str(number)].plain(task)]
            if self.layer_norm:
                block.append(_frozen_norm(layers[f"norm.{number}"].plain(task)))
            block.append(deepcopy(activation))
            modules += [Residual(*block)] if self._adds_input(number) else block
        modules.append(layers[str(len(self.hidden))].plain(task))
        return nn.Sequential(*modules).requires_grad_(False)


def _normalized(h: Tensor, vectors: GeneratedLinear) -> Tensor:
    """Layer normalization, with scale and shift from a generated layer whose input is constant."""
    ones = h.new_ones(h.shape[0], *([1] * (h.dim() - 1)))
    change, shift = vectors(ones).chunk(2, dim=-1)
    normal = nn.functional.layer_norm(h, h.shape[-1:])
    return torch.addcmul(normal + shift, normal, change)


@torch.no_grad()
def _frozen_norm(vectors: nn.Module) -> nn.LayerNorm:
    of_task = next(vectors.parameters())
    change, shift = vectors(of_task.new_ones(1, 1))[0].chunk(2)
    norm = nn.LayerNorm(len(shift), device=shift.device, dtype=shift.dtype)
    norm.weight.copy_(1 + change)
    norm.bias.copy_(shift)
    return norm
