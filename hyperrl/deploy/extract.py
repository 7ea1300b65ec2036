"""Reads the plain network of one task out of a trained policy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.preprocessing import is_image_space, is_image_space_channels_first
from stable_baselines3.common.torch_layers import FlattenExtractor
from torch import Tensor, nn

from hyperrl.deploy import layers as kinds
from hyperrl.deploy.actions import BOUNDS, Action
from hyperrl.deploy.layers import Layer
from hyperrl.deploy.plan import Arrays, Input, Plan, Specialist
from hyperrl.errors import UserError
from hyperrl.nets.activations import ACTIVATIONS
from hyperrl.nets.layers import Residual
from hyperrl.policies.extractors import feature_parts
from hyperrl.policies.normalization import Normalization
from hyperrl.policies.registry import view
from hyperrl.policies.view import Network
from hyperrl.recipes import CONTEXT
from hyperrl.tasks.spaces import choices_of

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm

    from hyperrl.tasks import Family
    from hyperrl.tasks.adapter import BaseAdapter

_ACTIVATIONS: dict[type[nn.Module], Any] = {module: name for name, module in ACTIVATIONS.items()}


def extract_specialist(
    model: BaseAlgorithm, agent: str, family: Family, context: Mapping[str, float]
) -> Specialist:
    """The plain network that acts on one task as a model does.

    Args:
        model: a trained one of a run.
        agent: its recipe's name.
        family: the tasks that it was trained on.
        context: the task; features left out take their defaults.

    Raises:
        UserError: an unknown feature, or a policy that no plain network of one task can replace.
    """
    task = family.space.complete(context)
    descriptor = torch.as_tensor(family.space.descriptors([task])[0])
    reader = Reader()
    with torch.no_grad():
        acting = next(iter(networks(model.policy, descriptor, agent).values()))
        inputs, layers = reader.network(acting, family.observation_space, descriptor)
    inputs, statistics = _with_statistics(inputs, view(model).normalization)
    action, bounds = action_of(model.policy)
    plan = Plan(
        agent=agent,
        algorithm=type(model).__name__.lower(),
        family=family.name,
        context=dict(task),
        inputs=inputs,
        layers=layers,
        action=action,
    )
    return Specialist(plan, reader.arrays | bounds | statistics)


def _with_statistics(
    inputs: tuple[Input, ...], normalization: Normalization | None
) -> tuple[tuple[Input, ...], Arrays]:
    """Inputs that are normalized as a policy's are, and the arrays of their statistics."""
    if normalization is None:
        return inputs, {}
    change = {"encoding": "normalized", "clip": normalization.settings.clip_obs}
    inputs = tuple(
        part.model_copy(update=change) if part.name in normalization.parts else part for part in inputs
    )
    arrays: Arrays = {}
    for part in inputs:
        if part.statistics:
            scale = (tensor.numpy().copy() for tensor in normalization.scale(part.name))
            arrays |= dict(zip(part.statistics, scale, strict=True))
    return inputs, arrays


def in_base_terms(specialist: Specialist, adapter: BaseAdapter) -> Specialist:
    """The specialist for the base environment itself, whose choices may not start at 0 as a family's do."""
    plan = specialist.plan
    inputs = tuple(_with_starts(part, adapter.starts.get(part.name)) for part in plan.inputs)
    action = _with_starts(plan.action, adapter.action_start)
    return replace(specialist, plan=plan.model_copy(update={"inputs": inputs, "action": action}))


def _with_starts(part: Any, starts: Any) -> Any:
    return part if starts is None else part.model_copy(update={"starts": tuple(map(int, np.ravel(starts)))})


def networks(policy: BasePolicy, descriptor: Tensor, agent: str) -> Mapping[str, Network]:
    """The plain networks of one task by name, first the one that acts.

    Raises:
        UserError: its weights depend on more than the task.
    """
    refuse_memory(policy, agent)
    hyper = view(policy).hyper
    if hyper is not None and hyper.dynamic:
        raise UserError(
            f"agent {agent!r}: its weights follow the observation, as policy.hypernetwork.inputs holds"
            " 'state'; no task has weights of its own"
        )
    return view(policy).networks(descriptor)


def refuse_memory(policy: BasePolicy, agent: str) -> None:
    """UserError where a policy acts on more than what it sees at the moment."""
    if view(policy).remembers:
        raise UserError(f"agent {agent!r}: remembers what it saw; only agents without a memory are exported")


@dataclass
class Reader:
    """Turns modules into layers.

    Attributes:
        arrays: those of the layers, by name.
        parameters: the modules' parameters, by the names of the arrays that were copied from them.
    """

    arrays: Arrays = field(default_factory=dict)
    parameters: dict[str, nn.Parameter] = field(default_factory=dict)

    def network(
        self, network: Network, space: spaces.Space[Any], descriptor: Tensor | None = None
    ) -> tuple[tuple[Input, ...], tuple[Layer, ...]]:
        """The parts of the observation that a network reads, and its layers.

        Args:
            network: of a policy.
            space: the policy's observations.
            descriptor: folded into the layers where they see a context among their inputs.
        """
        inputs, layers = tuple(self.inputs(network.extractor, space)), self.layers(network.modules)
        if descriptor is not None:
            self.fold(layers, network.extractor, descriptor)
        return inputs, layers

    def inputs(self, extractor: nn.Module, space: spaces.Space[Any]) -> Iterator[Input]:
        """The parts of the observation that an extractor reads, without the context."""
        assert isinstance(space, spaces.Dict)
        for name, part in feature_parts(extractor, [key for key in space.spaces if key != CONTEXT]):
            if name != CONTEXT:
                layers = self.layers([] if isinstance(part, FlattenExtractor) else part.children())
                yield _input(name, space[name]).model_copy(update={"layers": layers})

    def layers(self, modules: Iterable[nn.Module]) -> tuple[Layer, ...]:
        """The layers of modules that follow each other."""
        return tuple(layer for module in modules for layer in self._of(module))

    def _of(self, module: nn.Module) -> Iterator[Layer]:
        match module:
            case Residual():
                yield kinds.Residual(layers=self.layers(module))
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
            self.parameters[name] = getattr(module, key)
            self.arrays[name] = self.parameters[name].detach().cpu().numpy().astype(np.float32)
        return names

    def fold(self, layers: tuple[Layer, ...], extractor: nn.Module, descriptor: Tensor) -> None:
        """Move a context that the first layer sees among its inputs into its bias: b + W_c c."""
        names = [name for name, part in feature_parts(extractor, ["obs"]) for _ in range(part.features_dim)]
        if CONTEXT not in names:
            return
        first = layers[0]
        assert isinstance(first, kinds.Linear)
        weight = self.arrays[first.weight]
        is_context = np.zeros(weight.shape[1], bool)  # a critic sees actions too, after the features
        is_context[: len(names)] = [name == CONTEXT for name in names]
        seen = extractor.extractors[CONTEXT](descriptor.unsqueeze(0))[0]  # type: ignore[index,operator]
        shift = weight[:, is_context].astype(np.float64) @ seen.numpy().astype(np.float64)
        self.arrays[first.weight] = np.ascontiguousarray(weight[:, ~is_context])
        self.arrays[first.bias] = (self.arrays[first.bias] + shift).astype(np.float32)


def _input(name: str, space: spaces.Space[Any]) -> Input:
    shape = tuple(space.shape or ())
    if isinstance(space, spaces.Discrete | spaces.MultiDiscrete):
        return Input(name=name, shape=shape, dtype="int64", encoding="one-hot", **_choices(space))
    dtype: Any = np.dtype(space.dtype).name
    encoding: Any = "image" if is_image_space(space) else "numbers"
    return Input(name=name, shape=shape, dtype=dtype, encoding=encoding, channels_last=channels_last(space))


def _choices(space: spaces.Discrete | spaces.MultiDiscrete) -> dict[str, Any]:
    """How many choices each integer has; a family counts all of them from 0."""
    sizes = np.ravel(space.n if isinstance(space, spaces.Discrete) else space.nvec)
    return {"sizes": tuple(map(int, sizes)), "starts": (0,) * len(sizes)}


def channels_last(space: spaces.Space[Any]) -> bool:
    """Whether Stable-Baselines3 transposes observations of this space before a policy sees them."""
    return is_image_space(space) and not is_image_space_channels_first(space)  # type: ignore[arg-type]


def action_of(policy: BasePolicy) -> tuple[Action, Arrays]:
    """How the outputs of a policy's acting network become an action, and the arrays of its bounds."""
    space = policy.action_space
    shape = tuple(space.shape or ())
    match space:
        case spaces.Box():
            rule: Any = "unscale" if policy.squash_output else "clip"
            bounds = zip(BOUNDS, (space.low, space.high), strict=True)
            return Action(rule=rule, shape=shape), {name: np.asarray(x, np.float32) for name, x in bounds}
        case spaces.Discrete() | spaces.MultiDiscrete():
            return Action(rule="argmax", shape=shape, masked=view(policy).masked, **_choices(space)), {}
        case spaces.MultiBinary() if view(policy).masked:
            sizes, starts = choices_of(space), (0,) * len(choices_of(space))
            return Action(rule="argmax", shape=shape, masked=True, sizes=sizes, starts=starts), {}
        case spaces.MultiBinary():
            return Action(rule="positive", shape=shape), {}
    raise UserError(f"specialist: actions of {space} cannot be written")
