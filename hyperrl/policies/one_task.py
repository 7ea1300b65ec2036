"""Policies where there is one task: Stable-Baselines3's own networks, with the options that ours add."""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from functools import wraps
from math import prod
from typing import Any, TypeVar

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.type_aliases import PyTorchObs
from torch import Tensor, nn

from hyperrl.config import HypernetworkConfig
from hyperrl.nets import CNN
from hyperrl.nets.layers import Residual
from hyperrl.policies.effort import Effort
from hyperrl.policies.extractors import has_context, image_shape
from hyperrl.recipes import CONTEXT

Method = TypeVar("Method", bound=Callable[..., Any])


class _UnlessOneTask:
    def __init__(self, method: Callable[..., Any], then: Callable[[Any, Any], Any] | None) -> None:
        self.method, self.then = method, then

    def __set_name__(self, owner: type, name: str) -> None:
        method, then = self.method, self.then

        @wraps(method)
        def either(policy: Any, *arguments: Any, **options: Any) -> Any:
            if not policy.one_task:
                return method(policy, *arguments, **options)
            returned = getattr(super(owner, policy), name)(*arguments, **options)
            return returned if then is None else then(policy, returned)

        setattr(owner, name, either)


def unless_one_task(method: Method, then: Callable[[Any, Any], Any] | None = None) -> Method:
    """A method of a policy with generated networks, which one with ``one_task`` does without.

    There the next class's method runs in its place: Stable-Baselines3's own in the end.

    Args:
        method: The method, in the body of its class.
        then: Where there is one task, called with the policy and what the other method returned; gives what
            is returned in its place.
    """
    either: Any = _UnlessOneTask(method, then)
    typed: Method = either
    return typed


def is_one_task(space: spaces.Space[Any], config: HypernetworkConfig) -> bool:
    """Whether nothing tells tasks apart, so that there is nothing to generate weights from.

    Args:
        space: Observation space. Without a ``"context"``, or with one whose bounds leave it one value, there
            is one task.
        config: Of the hypernetwork. An input other than the context, such as the state, tells rows apart all
            the same.
    """
    if tuple(config.inputs) != ("context",):
        return False
    context = space[CONTEXT] if has_context(space) else None
    empty = context is None or prod(context.shape or ()) == 0
    return not config.context_dropout and (empty or has_one_value(context))


def has_one_value(space: spaces.Space[Any] | None) -> bool:
    """Whether a space leaves its samples one value."""
    match space:
        case spaces.Box():
            return bool(np.array_equal(space.low, space.high))
        case spaces.Discrete():
            return bool(space.n == 1)
        case spaces.MultiDiscrete():
            return bool((space.nvec == 1).all())
    return False


class ConvolutionalExtractor(BaseFeaturesExtractor):
    """Features of one image by convolutions without padding, an activation after each.

    Args:
        observation_space: One image, alone or in a dictionary, channels first.
        convolutions: (channels, kernel size, stride) of each.
        activation_fn: The activation.
    """

    def __init__(
        self,
        observation_space: spaces.Space[Any],
        convolutions: Sequence[tuple[int, int, int]],
        activation_fn: type[nn.Module],
    ) -> None:
        shapes = CNN(image_shape(observation_space), 1, convolutions).shapes
        super().__init__(observation_space, prod(shapes[-1]))
        layers: list[nn.Module] = []
        for before, (channels, kernel, stride) in zip(shapes, convolutions, strict=False):
            layers += [nn.Conv2d(before[0], channels, kernel, stride), activation_fn()]
        self.cnn = nn.Sequential(*layers, nn.Flatten())
        self.key = (
            next(iter(observation_space.spaces)) if isinstance(observation_space, spaces.Dict) else None
        )

    def forward(self, observations: PyTorchObs) -> Tensor:
        """(batch, features)."""
        image: Any = observations if self.key is None else observations[self.key]  # type: ignore[index]
        features: Tensor = self.cnn(image.float())
        return features


def add_blocks(network: nn.Sequential, hidden: int, layer_norm: bool, residual: bool) -> None:
    """Adds layer normalization and residual connections to the hidden layers of a network, in place.

    Args:
        network: As ``stable_baselines3.common.torch_layers.create_mlp`` makes it: pairs of a layer and its
            activation, then what is left.
        hidden: Number of these pairs.
        layer_norm: Whether each layer is normalized ahead of its activation.
        residual: Whether a layer with as many inputs as outputs adds its input.
    """
    if not (layer_norm or residual):
        return
    modules = list(network)
    blocks: list[nn.Module] = []
    for layer, activation in zip(modules[: 2 * hidden : 2], modules[1 : 2 * hidden : 2], strict=True):
        assert isinstance(layer, nn.Linear)
        norm = [nn.LayerNorm(layer.out_features, device=layer.weight.device)] if layer_norm else []
        block = [layer, *norm, activation]
        adds = residual and layer.in_features == layer.out_features
        blocks += [Residual(*block)] if adds else block
    network._modules.clear()
    network.extend([*blocks, *modules[2 * hidden :]])


def with_effort_price(head: nn.Module, effort: Effort | None) -> nn.Module:
    """A layer whose outputs are actions, their effort priced ahead of what follows the layer."""
    if effort is None:
        return head
    first, *rest = list(head) if isinstance(head, nn.Sequential) else [head]
    return nn.Sequential(first, effort, *rest)


def side_by_side(*heads: nn.Module) -> nn.Linear:
    """One layer whose outputs are those of several, each the first linear layer in its module."""
    layers = [next(each for each in head.modules() if isinstance(each, nn.Linear)) for head in heads]
    joined = nn.Linear(layers[0].in_features, sum(layer.out_features for layer in layers))
    with torch.no_grad():
        joined.weight = nn.Parameter(torch.cat([layer.weight for layer in layers]))
        joined.bias = nn.Parameter(torch.cat([layer.bias for layer in layers]))
    return joined


def frozen_copy(network: nn.Sequential) -> nn.Sequential:
    """A copy of a network that does not learn, without the price of effort."""
    modules = [deepcopy(module) for module in flat(network) if not isinstance(module, Effort)]
    return nn.Sequential(*modules).requires_grad_(False).eval()


def weights_of(networks: Mapping[str, nn.Sequential], tasks: int) -> dict[str, Tensor]:
    """The weights of plain networks for a number of tasks, the same for each.

    Returns:
        ``"actor.0.weight"`` (task, out, in), ``"actor.0.bias"`` (task, out) and so on; a normalization's
        are ``"actor.norm.0.weight"`` (task, size).
    """
    weights = {}
    for name, network in networks.items():
        kinds = {"": nn.Linear, "norm.": nn.LayerNorm}
        for prefix, kind in kinds.items():
            layers = [module for module in network.modules() if isinstance(module, kind)]
            for number, layer in enumerate(layers):
                for key in ("weight", "bias"):
                    tensor: Tensor = getattr(layer, key).detach()
                    weights[f"{name}.{prefix}{number}.{key}"] = tensor.expand(tasks, *tensor.shape)
    return weights


def flat(network: nn.Sequential) -> list[nn.Module]:
    """The modules of a sequence, sequences in it taken apart; residual blocks stay whole."""
    modules: list[nn.Module] = []
    for module in network:
        modules += flat(module) if type(module) is nn.Sequential else [module]
    return modules
