"""Convolutional networks for images."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from itertools import pairwise
from math import prod
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from hyperrl.arguments import CONVOLUTIONS, SIZES, Constraint, check_arguments
from hyperrl.nets.layers import HIDDEN_GAIN, LayerSpec
from hyperrl.nets.targets.mlp import ARGUMENTS, MLP
from hyperrl.nets.weights import Weights

NATURE = ((32, 8, 4), (64, 4, 2), (64, 3, 1))
"""Convolutions of Mnih et al. (Nature, 2015), for images of 36 x 36 pixels at least, 84 x 84 in the paper."""

_SHAPE = Constraint("(channels, height, width)", lambda value: SIZES.holds(value) and len(value) == 3)


class CNN(nn.Module):
    """A small convolutional network without parameters of its own.

    A convolution is an affine layer applied to every patch of the image, so whatever serves affine layers,
    weights left in their factors among them, serves kernels too. Convolutions have no padding; an
    :class:`~hyperrl.nets.MLP` follows them.

    Args:
        shape: (channels, height, width) of an image.
        out_features: Size of a row of y.
        convolutions: (channels, kernel size, stride) of each convolution.
        hidden: Sizes of the hidden layers after the convolutions.
        activation: Makes the elementwise activation after each convolution and hidden layer.
        gain: Orthogonal gain of all layers but the last at the start; None starts all layers as torch does.
        options: Those of the :class:`~hyperrl.nets.MLP` after the convolutions: ``out_gain``,
            ``with_latent``, ``layer_norm``, ``residual``.

    Raises:
        ValueError: A kernel larger than its image.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        out_features: int,
        convolutions: Sequence[tuple[int, int, int]] = ((16, 3, 2), (32, 3, 2)),
        hidden: Sequence[int] = (64,),
        activation: Callable[[], nn.Module] = nn.ReLU,
        gain: float | None = HIDDEN_GAIN,
        **options: Any,
    ) -> None:
        super().__init__()
        check_arguments({**ARGUMENTS, "shape": _SHAPE, "convolutions": CONVOLUTIONS}, locals())
        self.shape, self.out_features = tuple(shape), out_features
        self.convolutions = tuple(convolutions)
        self.shapes = [self.shape]
        for number, (channels, kernel, stride) in enumerate(self.convolutions):
            height, width = ((size - kernel) // stride + 1 for size in self.shapes[-1][1:])
            if min(height, width) < 1:
                raise ValueError(
                    f"convolutions[{number}]: found kernel size {kernel}; allowed: at most "
                    f"{min(self.shapes[-1][1:])}, the smaller side of its image"
                )
            self.shapes.append((channels, height, width))
        self.kernels = [
            LayerSpec(
                before[0] * kernel**2, after[0], gain, uses=kernel**2 * prod(after[1:]) / prod(before[1:])
            )
            for (before, after), (_, kernel, _) in zip(pairwise(self.shapes), self.convolutions, strict=True)
        ]
        self.activations = nn.ModuleList(activation() for _ in self.convolutions)
        self.head = MLP(prod(self.shapes[-1]), out_features, hidden, activation, gain, **options)

    @property
    def layers(self) -> dict[str, LayerSpec]:
        """The generated layers: ``"conv.0"`` the first convolution, ``"head.0"`` the first layer after them.

        A kernel's dense weight is (task, channels out, channels in * size * size), torch's order flattened.
        """
        kernels = {f"conv.{number}": spec for number, spec in enumerate(self.kernels)}
        return kernels | {f"head.{name}": spec for name, spec in self.head.layers.items()}

    def forward(
        self, x: Float[Tensor, "row channels height width"], weights: Weights
    ) -> Float[Tensor, "row outputs"]:
        """Applies the network, each image with its own task's kernels."""
        h = weights.layout.enter(x)
        for number, activation in enumerate(self.activations):
            _, kernel, stride = self.convolutions[number]
            lead = h.shape[:-3]
            patches = _patches(h.flatten(0, -4), kernel, stride)
            h = activation(weights.layers[f"conv.{number}"](patches.reshape(*lead, *patches.shape[1:])))
            h = h.transpose(-1, -2).reshape(*lead, *self.shapes[number + 1])
        y: Tensor = self.head(weights.layout.leave(h.flatten(-3)), weights["head"])
        return y

    def specialize(self, weights: Weights, task: int = 0) -> nn.Sequential:
        """The plain network of one task with frozen copies of its weights, without the hypernetwork."""
        modules: list[nn.Module] = []
        for number, activation in enumerate(self.activations):
            _, kernel, stride = self.convolutions[number]
            layer = weights.layers[f"conv.{number}"].plain(task)
            modules += [_plain_convolution(layer, kernel, stride), deepcopy(activation)]
        head = self.head.specialize(weights["head"], task)
        return nn.Sequential(*modules, nn.Flatten(), *head).requires_grad_(False)


class PatchLayer(nn.Module):
    """A convolution whose kernel is any module, applied to every patch in the order of torch's kernels."""

    def __init__(self, layer: nn.Module, kernel: int, stride: int) -> None:
        super().__init__()
        self.layer, self.kernel, self.stride = layer, kernel, stride

    def forward(self, x: Float[Tensor, "row channels height width"]) -> Tensor:
        """(B, C, H, W) to (B, C', H', W')."""
        height, width = ((size - self.kernel) // self.stride + 1 for size in x.shape[2:])
        y: Tensor = self.layer(_patches(x, self.kernel, self.stride))
        return y.transpose(1, 2).reshape(x.shape[0], -1, height, width)


def _patches(x: Tensor, kernel: int, stride: int) -> Float[Tensor, "image place entries"]:
    return functional.unfold(x, kernel, stride=stride).transpose(1, 2)


def _plain_convolution(layer: nn.Module, kernel: int, stride: int) -> nn.Module:
    if not isinstance(layer, nn.Linear):
        return PatchLayer(layer, kernel, stride)
    into = layer.in_features // kernel**2
    convolution = nn.Conv2d(into, layer.out_features, kernel, stride, device=layer.weight.device)
    convolution.weight = nn.Parameter(layer.weight.view(-1, into, kernel, kernel))
    convolution.bias = layer.bias
    return convolution
