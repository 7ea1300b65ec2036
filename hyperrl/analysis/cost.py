"""Counts and measures what an agent costs on a family, on its real policy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.logger import Logger
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from hyperrl.analysis.minibatch import MinibatchShape, observations
from hyperrl.evaluation import ModelPolicy
from hyperrl.nets import HyperNetwork
from hyperrl.policies.registry import view
from hyperrl.policies.view import View

_WARM_UP = 20
"""Actions on one task after which cached weights have reached their lasting form."""


@dataclass(frozen=True)
class Parameters:
    """Numbers of trainable parameters by their part of the policy; they add up to all that the policy has."""

    generator: int = 0
    """The hypernetwork but for its heads, encoder included."""
    heads: int = 0
    """The hypernetwork's last layer, whose outputs are what is generated."""
    shared: int = 0
    """The strategy's own, shared by all tasks: base weights, factors, layers that are not generated."""
    networks: int = 0
    """Actor and critic, where nothing is generated."""
    rest: int = 0
    """The features extractor, LSTMs and the spread of actions."""
    targets: int = 0
    """Copies that follow by Polyak averaging, learned by no gradient."""

    @property
    def total(self) -> int:
        """All of them."""
        return self.generator + self.heads + self.shared + self.networks + self.rest + self.targets


@dataclass(frozen=True)
class Flops:
    """Floating-point operations of matrix products and convolutions, a multiplication and an addition as two.

    Elementwise work (activations, biases, the diagonal between two factors, the optimizer's step, losses) and
    whatever is no product (sorting rows by task, copying) are not counted.
    """

    action_cached: int
    """One action, with the task's weights from the cache."""
    action_uncached: int
    """One action, with weights generated for it. The same number where nothing is generated."""
    minibatch: int
    """One minibatch, forward and backward; of TRPO, all that its update takes for so many transitions."""
    rollout: int
    """All minibatches of all epochs after a rollout, none left out by `target_kl`."""


@dataclass(frozen=True)
class Memory:
    """Bytes of tensors. What libraries and the allocator take beside them is not counted."""

    parameters: int
    """Parameters and buffers of the policy."""
    optimizer: int
    """The optimizer's state after its first step."""
    activations: int
    """Tensors that a minibatch's forward pass saves for the backward pass, inputs too, but not parameters."""
    cache: int
    """Tensors that the policy keeps between two actions on one task, mainly the task's weights."""


@dataclass(frozen=True)
class Cost:
    """What one policy costs."""

    parameters: Parameters
    actor: int
    """Weights and biases of one task's actor."""
    critic: int
    """Weights and biases of one task's critic."""
    generated: int
    """Numbers that the hypernetwork generates for a task, of which the strategy makes its weights."""
    flops: Flops
    memory: Memory


def measure(make: Callable[[], BaseAlgorithm], shape: MinibatchShape) -> Cost:
    """Measure what the policy of a model costs.

    Every number comes from the real thing: parameters are counted in the modules, products while the policy
    acts on one observation, as in an evaluation, and while the algorithm's own `train` takes one step on a
    minibatch; memory is that of the storages of the tensors that are there, each storage once.

    Args:
        make: makes the model on the CPU, with its optimizer; called twice where `shape.rest` is not 0.
        shape: the minibatches and their tasks.
    """
    model = make()
    policy, algorithm = model.policy, view(model)
    generators = [hyper for part in algorithm.parts.values() for hyper in part.hypernetworks]
    states = [optimizer.state for optimizer in algorithm.optimizers.values()]
    parameters = _parameters(algorithm, generators)
    actor, critic = _sizes(algorithm)
    cached, uncached, cache = _acting(model, shape)
    flops, activations = _update(model, shape, shape.rows)
    rest = _update(make(), shape, shape.rest)[0] if shape.rest else 0
    return Cost(
        parameters,
        actor,
        critic,
        sum(hyper.strategy.outputs for hyper in generators),
        Flops(cached, uncached, flops, shape.epochs * (shape.minibatches * flops + rest)),
        Memory(
            _bytes([*policy.parameters(), *policy.buffers()]),
            _bytes(_tensors([list(state.values()) for state in states])),
            activations,
            cache,
        ),
    )


def _parameters(algorithm: View, generators: Iterable[HyperNetwork]) -> Parameters:
    counts = {"generator": 0, "heads": 0, "shared": 0}
    for hyper in generators:
        groups = {group["name"]: _count(group["params"]) for group in hyper.parameter_groups()}
        for name, count in groups.items():
            counts[name] += count
        if "heads" not in groups:
            heads = (hyper.generator.features_dim + 1) * hyper.strategy.outputs
            counts["generator"] -= heads
            counts["heads"] += heads
    networks = 0 if any(counts.values()) else sum(_sizes(algorithm))
    targets = sum(_count(target.parameters()) for _, target in algorithm.targets.values())
    rest = _count(algorithm.policy.parameters()) - targets - networks - sum(counts.values())
    return Parameters(**counts, networks=networks, rest=rest, targets=targets)


def _sizes(algorithm: View) -> tuple[int, int]:
    """Weights and biases of one task's actor and critics; Q-networks are critics."""
    if algorithm.parts:
        layers = [layer for part in algorithm.parts.values() for layer in part.target.layers.items()]
        actor, critic = (
            sum(spec.parameters for name, spec in layers if name.startswith(network))
            for network in ("actor", "critic")
        )
        return actor, critic
    counts = {
        name: sum(_count(part.parameters()) for part in parts) for name, parts in algorithm.modules().items()
    }
    return counts.pop("actor", 0), sum(counts.values())


def _count(parameters: Iterable[nn.Parameter]) -> int:
    return sum(parameter.numel() for parameter in parameters)


def _acting(model: BaseAlgorithm, shape: MinibatchShape) -> tuple[int, int, int]:
    """FLOPs of an action with cached and with newly generated weights, and the bytes of the cache."""
    policy = model.policy
    predict = ModelPolicy(model)
    observation = observations(policy.observation_space, shape.descriptors[:1])

    def act() -> None:
        predict(observation)

    before = _bytes(_cached(policy))
    for _ in range(_WARM_UP):
        act()
    cache = _bytes(_cached(policy)) - before
    cached = products(act)
    for part in view(model).parts.values():
        part.clear_cache()
    return cached, products(act), cache


def _cached(policy: nn.Module) -> Iterator[Tensor]:
    """Tensors that modules keep beside their parameters and buffers."""
    known = {_storage(tensor)[0] for tensor in (*policy.parameters(), *policy.buffers())}
    registered = ("_parameters", "_buffers", "_modules")
    for module in policy.modules():
        values = [value for name, value in vars(module).items() if name not in registered]
        yield from (tensor for tensor in _tensors(values) if _storage(tensor)[0] not in known)


def _update(model: BaseAlgorithm, shape: MinibatchShape, rows: int) -> tuple[int, int]:
    """FLOPs of one minibatch of so many rows, and the bytes saved for its backward pass."""
    model.set_logger(Logger(None, []))
    train, updates = view(model).learning(shape.observations(model.observation_space, rows))
    parameters = {_storage(tensor)[0] for tensor in model.policy.parameters()}
    saved: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        saved[_storage(tensor)[0]] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        counted = products(train) // updates
    return counted, _bytes(tensor for place, tensor in saved.items() if place not in parameters)


def products(work: Callable[[], object]) -> int:
    """FLOPs of the matrix products and convolutions of some work."""
    counter = FlopCounterMode(display=False)
    counter.mod_tracker = _NoModules()  # type: ignore[assignment]
    with counter, _products_alone():
        work()
    return int(counter.get_total_flops())


@contextmanager
def _products_alone() -> Iterator[None]:
    """Compute LSTMs by products, which oneDNN fuses into one step that is not counted."""
    before = torch._C._get_mkldnn_enabled()
    torch._C._set_mkldnn_enabled(False)
    try:
        yield
    finally:
        torch._C._set_mkldnn_enabled(before)


class _NoModules(nullcontext[None]):
    """Stands in for the counter's tracker of modules, which fails on views that have no graph."""

    parents = frozenset({"Global"})


def _tensors(value: Any) -> Iterator[Tensor]:
    """All tensors in a value, however deep in containers and in our own objects."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        yield from _tensors(list(value.values()))
    elif isinstance(value, list | tuple | set):
        for each in value:
            yield from _tensors(each)
    elif type(value).__module__.startswith("hyperrl.") and not isinstance(value, nn.Module):
        yield from _tensors(list(vars(value).values()))


def _bytes(tensors: Iterable[Tensor]) -> int:
    """Bytes of the tensors' storages, each storage once."""
    return sum(dict(_storage(tensor) for tensor in tensors).values())


def _storage(tensor: Tensor) -> tuple[int, int]:
    """Where a tensor's numbers lie, and how many bytes they take."""
    storage = tensor.untyped_storage()
    return storage.data_ptr(), storage.nbytes()
