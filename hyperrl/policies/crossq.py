"""CrossQ of sb3-contrib: its policies, its replay buffer, and its view.

Bhatt et al., "CrossQ: Batch Normalization in Deep Reinforcement Learning for Greater Sample Efficiency and
Simplicity", ICLR 2024. Its critics have no targets: batch renormalization ahead of each layer, over
observations and next ones together, keeps them stable.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

import torch
from sb3_contrib import CrossQ
from sb3_contrib.common.torch_layers import BatchRenorm1d
from sb3_contrib.crossq.policies import Actor, CrossQCritic, CrossQPolicy
from stable_baselines3.common.buffers import DictReplayBuffer
from stable_baselines3.common.type_aliases import PyTorchObs
from torch import Tensor, nn

from hyperrl.arguments import FLAG, Constraint, finite, integer
from hyperrl.nets import MLP, Weights
from hyperrl.policies.hindsight import HindsightReplayBuffer
from hyperrl.policies.index_replay import IndexReplayBuffer
from hyperrl.policies.off_policy import CriticRate, GeneratedCritics
from hyperrl.policies.one_task import flat
from hyperrl.policies.replay import ContextReplayBuffer
from hyperrl.policies.sac import GeneratedActor, HyperSquashedActorCritics, SACView
from hyperrl.policies.view import Arguments, Network, Space
from hyperrl.policies.window_replay import WindowHindsightReplayBuffer, WindowReplayBuffer


class RenormalizedMLP(MLP):
    """A multilayer perceptron with batch renormalization ahead of each layer, shared by all tasks.

    The statistics are over all rows of a batch, whatever their tasks: normalizing is part of the network, and
    what the hypernetwork generates are the layers between.

    Args:
        arguments: Those of ``MLP``, without layer normalization and residual layers.
        momentum: Rate of the running statistics.
        eps: Added to variances.
        warmup_steps: Updates in which the batch's own statistics normalize it.
    """

    def __init__(
        self, *arguments: Any, momentum: float, eps: float, warmup_steps: int, **options: Any
    ) -> None:
        super().__init__(*arguments, **options)
        self.norms = nn.ModuleList(
            BatchRenorm1d(size, momentum=momentum, eps=eps, warmup_steps=warmup_steps)
            for size in (self.in_features, *self.hidden)
        )

    def forward(self, x: Tensor, weights: Weights) -> Tensor:
        """Applies the network to (row, inputs), each row with its own task's weights."""
        layers, layout = weights.layers, weights.layout
        for number, norm in enumerate(self.norms):
            x = norm(x)
            y = layout.leave(layers[str(number)](layout.enter(x)))
            if number < len(self.activations):
                x = self.activations[number](y)
        return torch.cat([y, x], dim=-1) if self.with_latent else y

    def specialize(self, weights: Weights, task: int = 0) -> nn.Sequential:
        """The plain network of one task; each normalization is folded into the layer after it."""
        modules: list[nn.Module] = []
        for number, module in enumerate(super().specialize(weights, task)):  # layers and activations in turn
            modules += [module] if number % 2 else [self.norms[number // 2], module]
        return without_norms(modules)


def without_norms(modules: Sequence[nn.Module]) -> nn.Sequential:
    """A network in evaluation mode, its batch renormalizations folded into the layers that follow them."""
    plain: list[nn.Module] = []
    norm: Any = None
    for module in flat(nn.Sequential(*modules)):
        if isinstance(module, BatchRenorm1d):
            norm = module
        elif norm is None:
            plain.append(module)
        else:
            plain += _renormalizing(norm, module)
            norm = None
    return nn.Sequential(*plain)


@torch.no_grad()
def _renormalizing(norm: Any, following: nn.Module) -> list[nn.Module]:
    """A normalization and the module after it; as one layer where that module is affine."""
    scale = norm.scale / (norm.ra_var + norm.eps).sqrt()
    shift = norm.bias - norm.ra_mean * scale
    affine = isinstance(following, nn.Linear)
    weight: Any = following.weight if affine else torch.eye(len(scale), device=scale.device)
    layer = nn.Linear(weight.shape[1], weight.shape[0], device=scale.device).requires_grad_(False)
    layer.weight.copy_(weight * scale)
    layer.bias.copy_(weight @ shift + (following.bias if affine else 0.0))
    return [layer] if affine else [layer, following]


class HyperCrossQActor(GeneratedActor, Actor):
    """The actor of CrossQ."""


class HyperCrossQCritic(GeneratedCritics, CrossQCritic):
    """The critics of CrossQ."""

    def forward(self, obs: PyTorchObs, actions: Tensor) -> tuple[Tensor, ...]:
        """The values (batch, 1) of each critic."""
        return self.q_values(obs, actions)


class HyperCrossQPolicy(HyperSquashedActorCritics, CrossQPolicy):
    """sb3-contrib's policy of CrossQ, every layer of its actor and its critics generated from the context.

    As :class:`~hyperrl.policies.HyperSACPolicy`, without targets. Batch renormalization is shared by all
    tasks, as :class:`RenormalizedMLP` has it. ``layer_norm``, ``residual`` and ``convolutions`` do not go
    with it.
    """

    actor_class = HyperCrossQActor
    critic_class = HyperCrossQCritic
    targets = ()
    own_arguments: ClassVar[Mapping[str, Constraint]] = {
        "batch_norm": FLAG,
        "batch_norm_momentum": finite(0),
        "batch_norm_eps": finite(0),
        "renorm_warmup_steps": integer(0),
    }
    batch_norm_params: dict[str, Any]

    def __init__(self, *arguments: Any, **options: Any) -> None:
        for name in ("layer_norm", "residual", "convolutions"):
            if options.get(name):
                raise ValueError(f"{name}: found {options[name]}; allowed: none with CrossQ")
        super().__init__(*arguments, **options)

    def _target_class(self, features: int) -> Any:
        norm = self.batch_norm_params
        if not norm["batch_norm"]:
            return super()._target_class(features)
        return partial(
            RenormalizedMLP,
            features,
            momentum=norm["batch_norm_momentum"],
            eps=norm["batch_norm_eps"],
            warmup_steps=norm["renorm_warmup_steps"],
        )


class ConcatCrossQPolicy(CriticRate, CrossQPolicy):  # type: ignore[misc]
    """sb3-contrib's policy of CrossQ, with a rate of the critics' own."""


class JoinedObservations(dict[str, Tensor]):
    """A batch of observations that ``torch.cat`` joins with another, key by key.

    CrossQ concatenates observations and next ones as if they were tensors.
    """

    @classmethod
    def __torch_function__(cls, function: Any, _: Any, arguments: Any = (), options: Any = None) -> Any:
        if function is not torch.cat:
            return NotImplemented
        batches, *rest = arguments
        return {
            key: torch.cat([batch[key] for batch in batches], *rest, **(options or {})) for key in batches[0]
        }


class JoiningReplayBuffer(DictReplayBuffer):
    """Mixed in ahead of a replay buffer for observations with a context, from which CrossQ can then learn."""

    def sample(self, *arguments: Any, **options: Any) -> Any:
        """A batch whose observations CrossQ can concatenate."""
        samples = super().sample(*arguments, **options)
        return samples._replace(
            observations=JoinedObservations(samples.observations),
            next_observations=JoinedObservations(samples.next_observations),
        )


class CrossQReplayBuffer(JoiningReplayBuffer, ContextReplayBuffer):
    """A replay buffer for observations with a context, from which CrossQ can learn."""


class CrossQHindsightReplayBuffer(JoiningReplayBuffer, HindsightReplayBuffer):
    """The same where goals are relabeled in hindsight."""


class CrossQIndexReplayBuffer(JoiningReplayBuffer, IndexReplayBuffer):
    """The same where updates draw an index."""


class CrossQWindowReplayBuffer(JoiningReplayBuffer, WindowReplayBuffer):
    """The same where contexts are inferred."""


class CrossQWindowHindsightReplayBuffer(JoiningReplayBuffer, WindowHindsightReplayBuffer):
    """The same where both is so."""


class CrossQView(SACView):
    """View of CrossQ, which has no targets; a specialist's layers contain its normalizations."""

    algorithm = CrossQ
    hyper_policy = HyperCrossQPolicy
    plain_policy = ConcatCrossQPolicy
    sb3_policy = CrossQPolicy
    replay_buffer_class = CrossQReplayBuffer
    hindsight_buffer_class = CrossQHindsightReplayBuffer
    index_buffer_class = CrossQIndexReplayBuffer
    window_buffer_class = CrossQWindowReplayBuffer
    window_hindsight_buffer_class = CrossQWindowHindsightReplayBuffer

    @property
    def targets(self) -> Mapping[str, tuple[nn.Module, nn.Module]]:
        """CrossQ has no target networks."""
        return {}

    def networks(self, descriptor: Tensor) -> Mapping[str, Network]:
        """The networks as of SAC, their normalizations folded into layers."""
        return {
            name: Network(network.extractor, [without_norms(network.modules)])
            for name, network in super().networks(descriptor).items()
        }

    def plain_arguments(self, actions: Space) -> tuple[Arguments, Arguments]:
        """Arguments of the plain algorithm and of its policy, which has no normalizations."""
        arguments, kwargs = super().plain_arguments(actions)
        return arguments, {**kwargs, "batch_norm": False}
