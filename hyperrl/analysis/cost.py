"""What an agent costs on a family, counted and measured on its real policy."""

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
from hyperrl.evaluation import act_of
from hyperrl.nets import HyperNetwork
from hyperrl.policies.registry import view
from hyperrl.policies.view import View

_WARM_UP = 20
"""Actions on one task after which kept weights have the form in which they stay."""


@dataclass(frozen=True)
class Parameters:
    """Numbers of trainable parameters, by what they belong to; they add up to all that the policy has."""

    generator: int = 0
    """The hypernetwork but for its heads, encoder included."""
    heads: int = 0
    """The hypernetwork's last layer, which makes what is generated."""
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
    """One action, the task's weights at hand."""
    action_anew: int
    """One action, the weights generated for it. The same where nothing is generated."""
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
    """What a minibatch's forward pass keeps for the backward pass, its inputs too, but not parameters."""
    kept: int
    """What the policy holds between two actions on one task, its weights above all."""


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


def measure(make: Callable[[], BaseAlgorithm], load: MinibatchShape) -> Cost:
    """What the policy of a model costs.

    Every number comes from the real thing: parameters are counted in the modules, products while the policy
    acts on one observation, as in an evaluation, and while the algorithm's own `train` takes one step on a
    minibatch; memory is that of the storages of the tensors that are there, each storage once.

    Args:
        make: makes the model on the CPU, with its optimizer; called twice where `load.rest` is not 0.
        load: the minibatches and their tasks.
    """
    model = make()
    policy, asked = model.policy, view(model)
    generators = [hyper for part in asked.parts.values() for hyper in part.hypernetworks]
    states = [optimizer.state for optimizer in asked.optimizers.values()]
    parameters = _parameters(asked, generators)
    actor, critic = _sizes(asked)
    kept, anew, held = _acting(model, load)
    flops, activations = _update(model, load, load.rows)
    rest = _update(make(), load, load.rest)[0] if load.rest else 0
    return Cost(
        parameters,
        actor,
        critic,
        sum(hyper.strategy.outputs for hyper in generators),
        Flops(kept, anew, flops, load.epochs * (load.minibatches * flops + rest)),
        Memory(
            _bytes([*policy.parameters(), *policy.buffers()]),
            _bytes(_tensors([list(state.values()) for state in states])),
            activations,
            held,
        ),
    )


def _parameters(asked: View, generators: Iterable[HyperNetwork]) -> Parameters:
    found = {"generator": 0, "heads": 0, "shared": 0}
    for hyper in generators:
        groups = {group["name"]: _count(group["params"]) for group in hyper.parameter_groups()}
        for name, count in groups.items():
            found[name] += count
        if "heads" not in groups:
            heads = (hyper.generator.features_dim + 1) * sum(hyper.generator.blocks)
            found["generator"] -= heads
            found["heads"] += heads
    networks = 0 if any(found.values()) else sum(_sizes(asked))
    targets = sum(_count(target.parameters()) for _, target in asked.targets.values())
    rest = _count(asked.policy.parameters()) - targets - networks - sum(found.values())
    return Parameters(**found, networks=networks, rest=rest, targets=targets)


def _sizes(asked: View) -> tuple[int, int]:
    """Weights and biases of the networks that act and judge on one task; of Q-networks the latter alone."""
    if asked.parts:
        layers = [layer for part in asked.parts.values() for layer in part.target.layers.items()]
        actor, critic = (
            sum(spec.parameters for name, spec in layers if name.startswith(network))
            for network in ("actor", "critic")
        )
        return actor, critic
    counts = {
        name: sum(_count(part.parameters()) for part in parts) for name, parts in asked.modules().items()
    }
    return counts.pop("actor", 0), sum(counts.values())


def _count(parameters: Iterable[nn.Parameter]) -> int:
    return sum(parameter.numel() for parameter in parameters)


def _acting(model: BaseAlgorithm, load: MinibatchShape) -> tuple[int, int, int]:
    """Products of an action with weights kept and with weights made anew, and the bytes kept."""
    policy = model.policy
    predict = act_of(model)
    seen = observations(policy.observation_space, load.descriptors[:1])

    def act() -> None:
        predict(seen)

    before = _bytes(_held(policy))
    for _ in range(_WARM_UP):
        act()
    held = _bytes(_held(policy)) - before
    kept = products(act)
    for part in view(model).parts.values():
        part.clear_cache()
    return kept, products(act), held


def _held(policy: nn.Module) -> Iterator[Tensor]:
    """Tensors that modules hold beside their parameters and buffers."""
    known = {_storage(tensor)[0] for tensor in (*policy.parameters(), *policy.buffers())}
    registered = ("_parameters", "_buffers", "_modules")
    for module in policy.modules():
        values = [value for name, value in vars(module).items() if name not in registered]
        yield from (tensor for tensor in _tensors(values) if _storage(tensor)[0] not in known)


def _update(model: BaseAlgorithm, load: MinibatchShape, rows: int) -> tuple[int, int]:
    """Products of one minibatch of so many rows, and the bytes kept for its backward pass."""
    model.set_logger(Logger(None, []))
    train, updates = view(model).learning(load.observations(model.observation_space, rows))
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
    """Has LSTMs computed by products, of which oneDNN makes one step that nobody counts."""
    before = torch._C._get_mkldnn_enabled()
    torch._C._set_mkldnn_enabled(False)
    try:
        yield
    finally:
        torch._C._set_mkldnn_enabled(before)


class _NoModules(nullcontext[None]):
    """Tells the counter of no module: following them, it asks for the graph of views that have none."""

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
