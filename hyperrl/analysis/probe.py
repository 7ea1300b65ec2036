"""Runs a policy forward and backward, and records activations and gradients layer by layer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from stable_baselines3.common.policies import BasePolicy
from torch import Tensor, nn

from hyperrl.nets import HyperNetwork, Weights
from hyperrl.nets.grouping import BatchLayout, SharedRows
from hyperrl.nets.layers import HIDDEN_GAIN, initial_bias, initial_weight
from hyperrl.nets.weights import DenseLinear, GeneratedLinear, SharedLinear
from hyperrl.policies import GeneratedNetworks
from hyperrl.policies.registry import view

Signals = dict[str, tuple[Tensor, Tensor]]
"""By layer ("actor.0"), its outputs before any activation and their gradients, (row, units) each."""


@dataclass(frozen=True)
class Probe:
    """The record of one pass forward and backward.

    Attributes:
        networks: signals of the layers of actor and critic.
        generators: by a generator's name, its hypernetwork and the inputs of its generator, (row, inputs).
        generated: the layers that are generated.
    """

    networks: Signals
    generators: dict[str, tuple[HyperNetwork, Tensor]]
    generated: frozenset[str]


@dataclass
class _Record:
    """The record of a forward pass: layers' outputs in their layouts; other fields as in `Probe`."""

    outputs: dict[str, Tensor] = field(default_factory=dict)
    layouts: dict[str, BatchLayout] = field(default_factory=dict)
    generators: dict[str, tuple[HyperNetwork, Tensor]] = field(default_factory=dict)
    generated: set[str] = field(default_factory=set)

    def rows(self, name: str, values: Tensor) -> Tensor:
        """Values in a layer's layout as (row, units)."""
        if name in self.layouts:
            values = self.layouts[name].leave(values)
        return values.detach().flatten(1)


@dataclass(frozen=True)
class _Recorded(GeneratedLinear):
    """A layer that records its outputs."""

    layer: GeneratedLinear
    record: Callable[[Tensor], None]

    def __call__(self, h: Tensor) -> Tensor:
        y = self.layer(h)
        self.record(y)
        return y

    def dense(self) -> DenseLinear:
        return self.layer.dense()


def run(policy: BasePolicy, observations: Any, draw: Callable[[int], Tensor], plain: bool = False) -> Probe:
    """Run a policy and backpropagate the weighted sum of its outputs.

    Args:
        policy: SB3's with networks of `nn.Linear`, or one whose networks are generated.
        observations: a batch of n, as tensors.
        draw: for a number of outputs, the weights of all rows' outputs, (n, outputs).
        plain: run generated networks with weights as they would start without a hypernetwork, the same
            on all rows.
    """
    policy.set_training_mode(False)
    record = _Record()
    with torch.enable_grad(), _recording(policy, record, plain):
        total = weighted_loss(policy, observations, draw)
    in_order = dict(sorted(record.outputs.items(), key=lambda item: item[0].partition(".")[0]))
    signals = _backwards(total, in_order, record.rows)
    return Probe(signals, record.generators, frozenset(record.generated))


def weighted_loss(policy: BasePolicy, observations: Any, draw: Callable[[int], Tensor]) -> Tensor:
    """The weighted sum of a policy's outputs; arguments as of `run`.

    Critics of actions get draws as actions, squashed into their bounds.
    """
    outputs = view(policy).outputs(observations, draw)
    return torch.stack([(each * draw(each.shape[1])).sum() for each in outputs]).sum()


def run_generator(hyper: HyperNetwork, inputs: Tensor) -> Signals:
    """Run a generator and backpropagate the sum of its features, each times a standard normal draw.

    Returns:
        The signals of its hidden layers ("hidden 0") before their activations.
    """
    entered: dict[str, Tensor] = {}

    def hook(_: nn.Module, arguments: tuple[Tensor]) -> None:
        entered[f"hidden {len(entered)}"] = arguments[0]

    handle = hyper.generator.activation.register_forward_pre_hook(hook)
    with torch.enable_grad():
        features = hyper.generator(inputs).features
    handle.remove()
    return _backwards((features * torch.randn(features.shape)).sum(), entered, lambda _, rows: _flat(rows))


def run_plain_generator(hyper: HyperNetwork, inputs: Tensor, widths: Sequence[int]) -> Signals:
    """The same with plain layers of so many units, which start as Stable-Baselines3's do."""
    entered: dict[str, Tensor] = {}
    h = inputs
    with torch.enable_grad():
        for width in widths:
            layer = nn.Linear(h.shape[1], width)
            nn.init.orthogonal_(layer.weight, HIDDEN_GAIN)
            nn.init.zeros_(layer.bias)
            entered[f"hidden {len(entered)}"] = y = layer(h)
            h = hyper.generator.activation(y)
    return _backwards((h * torch.randn(h.shape)).sum(), entered, lambda _, rows: _flat(rows))


def _flat(values: Tensor) -> Tensor:
    """(row, ..., units) as (rows, units)."""
    return values.detach().flatten(0, -2)


def _backwards(total: Tensor, outputs: dict[str, Tensor], rows: Callable[[str, Tensor], Tensor]) -> Signals:
    gradients = torch.autograd.grad(total, list(outputs.values())) if outputs else ()
    return {
        name: (rows(name, values), rows(name, gradient))
        for (name, values), gradient in zip(outputs.items(), gradients, strict=True)
    }


@contextmanager
def _recording(policy: BasePolicy, record: _Record, plain: bool) -> Iterator[None]:
    with ExitStack() as hooks:
        parts = view(policy).parts
        for part in parts.values():
            hooks.enter_context(_layer_by_layer(part))
        for generator, prefix, hyper in _hypernetworks(parts):
            hooks.enter_context(_hook(hyper, _weights_recorder(record, generator, prefix, plain)))
        for name, layer in [] if parts else _linear_layers(policy):
            hooks.enter_context(_hook(layer, _outputs_recorder(record, name)))
        yield


@contextmanager
def _layer_by_layer(part: GeneratedNetworks) -> Iterator[None]:
    before, part.fused = part.fused, False
    try:
        yield
    finally:
        part.fused = before


@contextmanager
def _hook(module: nn.Module, hook: Callable[..., Any]) -> Iterator[None]:
    handle = module.register_forward_hook(hook)
    try:
        yield
    finally:
        handle.remove()


def _hypernetworks(parts: Mapping[str, GeneratedNetworks]) -> Iterator[tuple[str, str, HyperNetwork]]:
    """Each hypernetwork: its generator's name, what comes before its layers' names, and itself.

    Nothing comes before the names of the layers of one that has all networks of its part.
    """
    for part, generated in parts.items():
        own = {id(network): name for name, network in generated.target.named()}
        for hyper in generated.hypernetworks:
            network = own.get(id(hyper.target), "")
            name = network or (part if len(parts) > 1 else "")
            yield f"{name}'s generator" if name else "generator", network and f"{network}.", hyper


def _linear_layers(policy: BasePolicy) -> Iterator[tuple[str, nn.Linear]]:
    for name, parts in view(policy).modules().items():
        linear = [module for part in parts for module in part.modules() if isinstance(module, nn.Linear)]
        yield from ((f"{name}.{number}", layer) for number, layer in enumerate(linear))


def _outputs_recorder(record: _Record, name: str) -> Callable[[nn.Module, Any, Tensor], None]:
    def hook(_: nn.Module, __: Any, y: Tensor) -> None:
        record.outputs[name] = y

    return hook


def _weights_recorder(record: _Record, generator: str, prefix: str, plain: bool) -> Callable[..., Weights]:
    """A hook that replaces weights by ones whose layers record their outputs."""

    def hook(hyper: HyperNetwork, arguments: tuple[Any, ...], weights: Weights) -> Weights:
        record.generators[generator] = hyper, hyper.encode(arguments[0]).detach()
        record.generated |= {
            prefix + name for name, layer in weights.layers.items() if not isinstance(layer, SharedLinear)
        }
        if plain:
            layers: dict[str, GeneratedLinear] = {
                name: SharedLinear(initial_weight(spec).requires_grad_(), initial_bias(spec), 1)
                for name, spec in hyper.target.layers.items()
            }
            weights = Weights(layers, SharedRows())

        def recorded(name: str, layer: GeneratedLinear) -> GeneratedLinear:
            def keep(y: Tensor) -> None:
                record.outputs[prefix + name] = y
                record.layouts[prefix + name] = weights.layout

            # The layer of a normalization's scale and shift sees no observation.
            return layer if "norm" in (prefix + name).split(".") else _Recorded(layer, keep)

        return replace(
            weights, layers={name: recorded(name, layer) for name, layer in weights.layers.items()}
        )

    return hook
