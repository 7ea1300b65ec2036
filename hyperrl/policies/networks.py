"""Generated networks at the place where Stable-Baselines3 has its own."""

from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from time import perf_counter
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn

from hyperrl.config import Beyond, HypernetworkConfig
from hyperrl.nets import (
    FusedWeights,
    HyperNetwork,
    Parallel,
    Rows,
    SeparateFusedWeights,
    SeparateHyperNetworks,
    SeparateWeights,
    Weights,
    group,
)
from hyperrl.nets.fused import ONE_EACH, SideBySide
from hyperrl.policies.conditioning import Conditioning
from hyperrl.policies.extractors import Inputs
from hyperrl.policies.hypernetworks import build_hypernetwork
from hyperrl.policies.task_rows import TaskRows
from hyperrl.policies.weight_cache import Networks, WeightCache

_WORTH_GROUPING = 64
"""Rows from which finding their distinct tasks takes less than generating what it saves."""


class GeneratedNetworks(nn.Module):
    """Target networks, the hypernetwork that generates them, and the choice of how they are executed.

    Args:
        networks: Target networks by name; each is applied to the same features.
        descriptor_dim: The last columns of the features are the task's descriptor, which no target sees.
        descriptor_range: (low, high) of the declared descriptors, for the initialization.
        hypernetwork: Further arguments of :class:`~hyperrl.nets.HyperNetwork`, and what
            :class:`~hyperrl.config.HypernetworkConfig` names.
        features_dim: Size of the features without the descriptor, where the state is an input.
        beyond: What is seen of descriptors outside [-1, 1], see
            :class:`~hyperrl.policies.conditioning.Conditioning`.

    While acting (evaluation mode, no gradients) weights are kept for as long as neither the tasks nor the
    parameters change. The step of any optimizer, loading, changing the mode and moving to a device or dtype
    make them anew, and a copy starts without. Setting the evaluation mode once more, as each ``predict`` of
    Stable-Baselines3 does, compares the parameters with those of before. Whoever writes into parameters by
    other means calls :meth:`clear_cache`, or sets :attr:`caching` to False, as of networks that follow
    others by Polyak averaging. Weights that follow the state are not cached.

    Attributes:
        caching: Whether weights are cached while acting.
        groups: Whether rows of one task share materialized weights; a graph that is traced cannot.
        fused: Whether networks learn in one step of differentiation, where they have such a form. No forward
            hook of a hypernetwork or an activation is called within it: set it to False to use hooks.
    """

    conditioning: ClassVar[type[Conditioning]] = Conditioning
    """What puts the hypernetwork's descriptors together."""

    def __init__(
        self,
        networks: Mapping[str, Any],
        descriptor_dim: int,
        descriptor_range: tuple[Tensor, Tensor],
        hypernetwork: Mapping[str, Any],
        features_dim: int = 0,
        beyond: Beyond = "linear",
    ) -> None:
        super().__init__()
        self.descriptor_dim = descriptor_dim
        self.config = HypernetworkConfig.of(hypernetwork)
        self.target: Parallel[Any] = Parallel(networks)
        self.inputs = self.conditioning(self.config, descriptor_dim, features_dim, beyond)
        self.hyper: HyperNetwork | SeparateHyperNetworks = build_hypernetwork(
            self.target, self.config, self.inputs, descriptor_range
        )
        self.caching = self.groups = self.fused = True
        self.generation_seconds = 0.0
        self._entries = sum(spec.parameters for spec in self.target.layers.values())
        self._cache = WeightCache(self._entries, self.target.chains)
        self.register_load_state_dict_post_hook(_clear_cache)  # type: ignore[no-untyped-call]

    def forward(
        self,
        features: Inputs,
        *names: str,
        actions: Tensor | None = None,
        known: TaskRows | None = None,
    ) -> list[Tensor]:
        """Applies the named networks to (batch, features + descriptor), in their own order.

        All weights are generated once. Actions, (batch, actions), are seen by the networks beside the
        features, and never by the hypernetwork. Where they come out of another network, as when an actor
        learns from its critics, gradients go to them alone: off-policy algorithms forget those of the
        critics' parameters, whose computing is half of such a backward pass.

        Args:
            features: What the networks see, then the context; or the two by themselves.
            names: Of the networks.
            actions: What the networks see beside the features.
            known: The observations, where it is known which rows are of the same task.
        """
        x, context = self._split(features) if isinstance(features, Tensor) else features
        one_step = self.fused and self._anew and not _transformed(x)
        for_actions_alone = actions is not None and actions.grad_fn is not None
        with torch.no_grad() if for_actions_alone else nullcontext():
            fused = self._fused(x, context, known) if one_step else None
            weights = {} if fused is not None else self._weights(x, context, known)
        if actions is not None:
            x = torch.cat([x, actions], dim=1)
        if fused is not None:
            outputs = fused.apply(x, *names)
            self.generation_seconds += fused.seconds
            return outputs
        if isinstance(weights, SideBySide):
            return weights.apply(x, *names)
        return [network(x, weights[name]) for name, network in self.target.named() if name in names]

    def _split(self, features: Tensor) -> tuple[Tensor, Tensor]:
        split = features.shape[1] - self.descriptor_dim
        return features[:, :split], features[:, split:]

    @property
    def _anew(self) -> bool:
        """Whether weights are generated at each pass."""
        return self.training or not self.caching or self.inputs.dynamic or torch.is_grad_enabled()

    def _fused(
        self, x: Tensor, context: Tensor, known: TaskRows | None
    ) -> FusedWeights | SeparateFusedWeights | None:
        """The weights for networks that are applied in one step, where they have such a form."""
        fused: FusedWeights | SeparateFusedWeights | None = self.hyper.fused(*self._tasks(x, context, known))
        return fused

    def _weights(self, x: Tensor, context: Tensor, known: TaskRows | None) -> Networks | SideBySide:
        """The weights of each network."""
        if self._anew:
            return self._generated(*self._tasks(x, context, known))
        return self._cache.of(self.inputs(x, context), self._of_rows, self._sources)

    def _of_rows(self, descriptors: Tensor, distinct: bool) -> Networks:
        """The weights of rows; where they are distinct, row i is task i."""
        return self._generated(*((descriptors, ONE_EACH) if distinct else self._grouped(descriptors)))

    def _generated(self, descriptors: Tensor, rows: Rows) -> Networks:
        start = perf_counter()
        weights = self.hyper(descriptors, rows.index)
        networks = {name: weights[name] for name, _ in self.target.named()}
        self.generation_seconds += perf_counter() - start
        return networks

    def _tasks(self, x: Tensor, context: Tensor, known: TaskRows | None) -> tuple[Tensor, Rows]:
        """The descriptors of tasks, and which task each row belongs to."""
        # a rollout may have more tasks than one of its minibatches has rows
        too_many = known is not None and not self.hyper.factored and len(known.tasks) > len(context)
        if known is None or self.inputs.dynamic or too_many:
            return self._grouped(self.inputs(x, context))
        if self.hyper.factored and 2 * len(known.tasks) > len(context):
            return self.inputs(x, context), ONE_EACH
        return self.inputs(x, known.tasks), known.rows

    def _grouped(self, descriptors: Tensor) -> tuple[Tensor, Rows]:
        """As :meth:`_tasks`, of the descriptors of rows."""
        if self.hyper.descriptor_dim == 0:
            return descriptors[:1], ONE_EACH
        if not self._worth_grouping(descriptors):
            return descriptors, ONE_EACH
        tasks, index = group(descriptors)
        if self.hyper.factored and 2 * len(tasks) > len(descriptors):
            return descriptors, ONE_EACH
        return tasks, Rows.of(index, len(tasks))

    def _worth_grouping(self, descriptors: Tensor) -> bool:
        """Whether finding the rows of each task takes less than it saves."""
        if not self.hyper.factored:
            return self.groups
        return self.groups and not self.inputs.dynamic and descriptors.shape[0] >= _WORTH_GROUPING

    @property
    def hypernetworks(self) -> list[HyperNetwork]:
        """The hypernetwork, or those of the single networks where these are separate."""
        return [module for module in self.modules() if isinstance(module, HyperNetwork)]

    def of_tasks(self, context: Tensor) -> Weights | SeparateWeights:
        """The weights of tasks, (task, descriptor) as observed; ValueError where weights follow the state."""
        weights: Weights | SeparateWeights = self.hyper(self.inputs.tasks(context))
        return weights

    def specialized(self, context: Tensor) -> Iterator[tuple[str, nn.Sequential]]:
        """The plain networks of one task, (descriptor,), by name; ValueError as :meth:`of_tasks`."""
        weights = self.of_tasks(context.unsqueeze(0))
        yield from ((name, target.specialize(weights[name])) for name, target in self.target.named())

    def clear_cache(self) -> None:
        """Forgets the kept weights, so that the next pass generates them anew."""
        self._cache.drop()

    def _sources(self) -> Iterator[Tensor]:
        """From which weights are generated."""
        yield from self.hyper.parameters()
        yield from self.hyper.buffers()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_cache": WeightCache(self._entries, self.target.chains)}

    def train(self, mode: bool = True) -> Self:
        """Sets the mode, and drops kept weights.

        Stable-Baselines3 sets the evaluation mode at each ``predict``. Where it is set already, weights are
        kept if what they were generated from is the same.
        """
        if mode or self.training:
            self.clear_cache()
        else:
            self._cache.check()
        return super().train(mode)

    def _apply(self, fn: Any, recurse: bool = True) -> Self:
        self.clear_cache()
        moved: Self = super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        return moved


def _transformed(x: Tensor) -> bool:
    """Whether torch compiles, traces or changes the precision of the operations one by one."""
    traced: bool = torch.jit.is_tracing()  # type: ignore[attr-defined, no-untyped-call]
    return torch.compiler.is_compiling() or traced or torch.is_autocast_enabled(x.device.type)


def _clear_cache(module: GeneratedNetworks, _: Any) -> None:
    module.clear_cache()
