"""From a trained policy and one task to the plain networks that act and judge there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from gymnasium import spaces
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.preprocessing import is_image_space, is_image_space_channels_first
from stable_baselines3.common.torch_layers import (
    BaseFeaturesExtractor,
    CombinedExtractor,
    FlattenExtractor,
    NatureCNN,
)
from torch import Tensor, nn

from hyperrl.deploy import layers as kinds
from hyperrl.deploy.layers import Layer
from hyperrl.deploy.plan import Action, Arrays, Input, Plan, Specialist, bounds
from hyperrl.errors import UserError
from hyperrl.nets.strategies.adapter import Residual as AdapterResidual
from hyperrl.nets.targets.mlp import Residual as BlockResidual
from hyperrl.policies.extractors import ContextExtractor, PixelExtractor
from hyperrl.policies.registry import view
from hyperrl.policies.view import Network
from hyperrl.recipes import CONTEXT, Activation

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm

    from hyperrl.tasks import Family
    from hyperrl.tasks.adapter import BaseAdapter

_ACTIVATIONS: dict[type[nn.Module], Activation] = {
    nn.Tanh: "tanh",
    nn.ReLU: "relu",
    nn.ELU: "elu",
    nn.GELU: "gelu",
    nn.SiLU: "silu",
}


def specialist(model: BaseAlgorithm, agent: str, family: Family, context: Mapping[str, float]) -> Specialist:
    """The plain network that acts on one task as a model does.

    Args:
        model: a trained one of a run.
        agent: its recipe's name.
        family: the tasks that it was trained on.
        context: the task; features left out take their defaults.

    Raises:
        UserError: an unknown feature, or a policy that no plain network of one task stands for.
    """
    import torch

    complete = family.space.complete(context)
    descriptor = torch.as_tensor(family.space.descriptors([complete])[0])
    reader = Reader()
    with torch.no_grad():
        acting = next(iter(networks(model.policy, descriptor, agent).values()))
        inputs = tuple(reader.inputs(acting.extractor, family.observation_space))
        layers = reader.layers(acting.modules)
        reader.fold(layers, acting.extractor, descriptor.numpy())
    action, bounds = action_of(model.policy)
    plan = Plan(
        agent=agent,
        algorithm=type(model).__name__.lower(),
        family=family.name,
        context=dict(complete),
        inputs=inputs,
        layers=layers,
        action=action,
    )
    return Specialist(plan, reader.arrays | bounds)


def in_base_terms(found: Specialist, adapter: BaseAdapter) -> Specialist:
    """A specialist of the base environment itself, whose choices may not start at 0 as ours do."""
    inputs = tuple(
        part.model_copy(update={"starts": _whole(adapter.starts[part.name])})
        if part.name in adapter.starts
        else part
        for part in found.plan.inputs
    )
    action = found.plan.action
    if adapter.action_start is not None:
        action = action.model_copy(update={"starts": _whole(adapter.action_start)})
    return replace(found, plan=found.plan.model_copy(update={"inputs": inputs, "action": action}))


def _whole(numbers: Any) -> tuple[int, ...]:
    return tuple(map(int, np.ravel(numbers)))


def networks(policy: BasePolicy, descriptor: Tensor, agent: str) -> Mapping[str, Network]:
    """The plain networks of one task by name, the first being what acts, up to its action.

    Raises:
        UserError: Weights that are not the task's alone.
    """
    refuse_memory(policy, agent)
    asked = view(policy)
    if asked.hyper is not None and asked.hyper.dynamic:
        raise UserError(
            f"agent {agent!r}: its weights follow the observation, as policy.hypernetwork.inputs holds"
            " 'state'; no task has weights of its own"
        )
    return asked.networks(descriptor)


def refuse_memory(policy: BasePolicy, agent: str) -> None:
    """UserError where a policy is recurrent."""
    if view(policy).recurrent:
        raise UserError(f"agent {agent!r}: remembers what it saw; only agents without a memory are exported")


@dataclass
class Reader:
    """Turns modules into layers, and gathers their arrays, and the parameters that these were copied from."""

    arrays: Arrays = field(default_factory=dict)
    sources: dict[str, nn.Parameter] = field(default_factory=dict)

    def sequence(self, network: Network, space: spaces.Space[Any], descriptor: Any) -> list[Layer]:
        """All layers of a network, its extractor's among them; a descriptor is folded in where given."""
        read = [layer for part in self.inputs(network.extractor, space) for layer in part.layers]
        own = self.layers(network.modules)
        if descriptor is not None:
            self.fold(own, network.extractor, descriptor)
        return [*read, *own]

    def inputs(self, extractor: nn.Module, space: spaces.Space[Any]) -> Iterator[Input]:
        """The parts of the observation that an extractor reads, its context left out."""
        assert isinstance(space, spaces.Dict)
        for name, part in parts(extractor, [key for key in space.spaces if key != CONTEXT]):
            if name != CONTEXT:
                layers = self.layers([] if isinstance(part, FlattenExtractor) else part.children())
                yield _input(name, space[name]).model_copy(update={"layers": layers})

    def layers(self, modules: Iterable[nn.Module]) -> tuple[Layer, ...]:
        """Layers that do what modules do, one after the other."""
        return tuple(layer for module in modules for layer in self._of(module))

    def _of(self, module: nn.Module) -> Iterator[Layer]:
        match module:
            case BlockResidual():
                yield kinds.Residual(layers=self.layers(module))
            case AdapterResidual():
                yield kinds.Residual(layers=self.layers(module.change))
            case nn.Sequential():
                yield from self.layers(module)
            case nn.Linear():
                yield kinds.Linear(**self._stored(module))
            case nn.Conv2d():
                yield kinds.Convolution(**self._stored(module), stride=module.stride[0])
            case nn.LayerNorm():
                yield kinds.Norm(**self._stored(module), epsilon=module.eps)
            case nn.Hardtanh():
                yield kinds.Clip(low=module.min_val, high=module.max_val)
            case nn.Flatten():
                yield kinds.Reshape(shape=(-1,))
            case nn.Unflatten():
                yield kinds.Reshape(shape=tuple(module.unflattened_size))
            case nn.Identity():
                return
            case _:
                if type(module) not in _ACTIVATIONS:
                    raise UserError(f"specialist: a layer {type(module).__name__} cannot be written")
                yield kinds.Elementwise(kind=_ACTIVATIONS[type(module)])

    def _stored(self, module: Any) -> dict[str, Any]:
        number = len(self.arrays) // 2
        names = {key: f"{number}.{key}" for key in ("weight", "bias")}
        for key, name in names.items():
            self.sources[name] = getattr(module, key)
            self.arrays[name] = self.sources[name].detach().cpu().numpy().astype(np.float32)
        return names

    def fold(self, layers: tuple[Layer, ...], extractor: nn.Module, descriptor: Any) -> None:
        """Put a context that the first layer sees among its inputs into its bias: b + W_c c."""
        widths = [(name, part.features_dim) for name, part in parts(extractor, ["obs"])]
        names = [name for name, width in widths for _ in range(width)]
        if CONTEXT not in names:
            return
        first = layers[0]
        assert isinstance(first, kinds.Linear)
        weight = self.arrays[first.weight].astype(np.float64)
        names += ["action"] * (weight.shape[1] - len(names))
        seen = np.array([name == CONTEXT for name in names])
        folded = self.arrays[first.bias] + weight[:, seen] @ descriptor.astype(np.float64)
        self.arrays[first.weight] = np.ascontiguousarray(self.arrays[first.weight][:, ~seen])
        self.arrays[first.bias] = folded.astype(np.float32)


def parts(extractor: nn.Module, keys: list[str]) -> Iterator[tuple[str, BaseFeaturesExtractor]]:
    """The extractors of an observation's parts, in the order in which their features are joined.

    Args:
        extractor: of a policy.
        keys: of the observation but for its context; one alone may be read without its key.
    """
    match extractor:
        case ContextExtractor():
            yield from parts(extractor.inner, keys)
        case CombinedExtractor():
            observed = extractor._observation_space
            assert isinstance(observed, spaces.Dict)
            for key, part in extractor.extractors.items():
                yield key, part if isinstance(part, NatureCNN) else FlattenExtractor(observed[key])
        case NatureCNN() | PixelExtractor() | FlattenExtractor():
            yield keys[0], extractor
        case _:
            raise UserError(f"specialist: an extractor {type(extractor).__name__} cannot be written")


def _input(name: str, space: spaces.Space[Any]) -> Input:
    shape = tuple(space.shape or ())
    if isinstance(space, spaces.Discrete | spaces.MultiDiscrete):
        sizes = (int(space.n),) if isinstance(space, spaces.Discrete) else tuple(map(int, space.nvec))
        starts = (0,) * len(sizes)
        return Input(name=name, shape=shape, dtype="int64", encoding="one-hot", sizes=sizes, starts=starts)
    dtype: Any = np.dtype(space.dtype).name
    encoding: Any = "image" if is_image_space(space) else "numbers"
    return Input(name=name, shape=shape, dtype=dtype, encoding=encoding, channels_last=channels_last(space))


def channels_last(space: spaces.Space[Any]) -> bool:
    """Whether it is of images that Stable-Baselines3 transposes before a policy sees them."""
    if not isinstance(space, spaces.Box) or not is_image_space(space):
        return False
    return not is_image_space_channels_first(space)


def action_of(policy: BasePolicy) -> tuple[Action, Arrays]:
    """What becomes of the outputs of a policy's acting network, and the arrays of its bounds."""
    space = policy.action_space
    shape = tuple(space.shape or ())
    match space:
        case spaces.Box():
            rule: Any = "unscale" if policy.squash_output else "clip"
            return Action(rule=rule, shape=shape), bounds(space.low, space.high)
        case spaces.Discrete():
            return Action(rule="argmax", shape=(), sizes=(int(space.n),), starts=(0,)), {}
        case spaces.MultiDiscrete():
            sizes = tuple(map(int, space.nvec))
            return Action(rule="argmax", shape=shape, sizes=sizes, starts=(0,) * len(sizes)), {}
        case spaces.MultiBinary():
            return Action(rule="positive", shape=shape), {}
    raise UserError(f"specialist: actions of {space} cannot be written")
