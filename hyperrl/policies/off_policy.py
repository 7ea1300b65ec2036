"""The policies of off-policy actor-critics: an actor, and critics that are generated together."""

from abc import abstractmethod
from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.policies import BaseModel, BasePolicy, ContinuousCritic
from stable_baselines3.common.preprocessing import get_action_dim
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.type_aliases import PyTorchObs, Schedule
from torch import Tensor, nn

from hyperrl.policies.base import HyperPolicy
from hyperrl.policies.building import NetworkSpec
from hyperrl.policies.effort import Effort
from hyperrl.policies.extractors import inputs_of
from hyperrl.policies.networks import GeneratedNetworks
from hyperrl.policies.one_task import add_blocks, unless_one_task
from hyperrl.policies.optimizer import with_scaled_rates
from hyperrl.policies.parameters import ListedParameters
from hyperrl.policies.task_rows import known_tasks

NO_LAYERS: list[int] = []
"""Hidden sizes with which Stable-Baselines3 builds the unused plain networks as small as possible."""


class CriticRate(BasePolicy):
    """A policy whose critics learn at a rate of their own.

    Args:
        arguments: Those of Stable-Baselines3's policy.
        critic_lr_scale: Rate of the critics, as a multiple of the algorithm's.
        options: Further ones of Stable-Baselines3's.
    """

    critic: ContinuousCritic
    share_features_extractor: bool

    def __init__(self, *arguments: Any, critic_lr_scale: float = 1.0, **options: Any) -> None:
        self.critic_lr_scale = critic_lr_scale
        super().__init__(*arguments, **options)

    def _get_constructor_parameters(self) -> dict[str, Any]:
        return {**super()._get_constructor_parameters(), "critic_lr_scale": self.critic_lr_scale}

    def _build(self, lr_schedule: Schedule) -> None:
        super()._build(lr_schedule)  # type: ignore[misc]
        self.critic.optimizer = self._critic_optimizer(lr_schedule)

    def _critic_optimizer(self, lr_schedule: Schedule) -> torch.optim.Optimizer:
        if self.critic_lr_scale == 1:
            return self.critic.optimizer
        groups = [{"params": self._critic_parameters(), "lr_scale": self.critic_lr_scale}]
        return with_scaled_rates(self.optimizer_class)(groups, lr=lr_schedule(1), **self.optimizer_kwargs)

    def _critic_parameters(self) -> list[nn.Parameter]:
        """The parameters that the critics' loss trains: not those of an extractor that the actor shares."""
        shared = self.share_features_extractor
        named = self.critic.named_parameters()
        return [parameter for name, parameter in named if not (shared and "features_extractor" in name)]


class GeneratedCritics(ListedParameters, BaseModel):
    """Several critics, generated together by one hypernetwork; the class to mix in ahead of theirs.

    Args:
        generated: A network for each critic, ``critic_names(n_critics)``; each sees features and actions.
        arguments: Those of the critic that it is mixed into.
    """

    share_features_extractor: bool
    features_extractor: BaseFeaturesExtractor

    def __init__(self, generated: GeneratedNetworks, **arguments: Any) -> None:
        super().__init__(**{**arguments, "net_arch": NO_LAYERS, "n_critics": 0})
        self.n_critics = arguments["n_critics"]
        self.names = critic_names(self.n_critics)
        self.generated = generated

    def q_values(self, obs: PyTorchObs, actions: Tensor) -> tuple[Tensor, ...]:
        """The outputs of each critic, (batch, outputs)."""
        with torch.set_grad_enabled(not self.share_features_extractor and torch.is_grad_enabled()):
            features = inputs_of(self, obs)
        return tuple(self.generated(features, *self.names, actions=actions, known=known_tasks(obs)))


class HyperCritic(GeneratedCritics, ContinuousCritic):
    """The critics of SAC and TD3."""

    def forward(self, obs: PyTorchObs, actions: Tensor) -> tuple[Tensor, ...]:
        """The values (batch, 1) of each critic."""
        return self.q_values(obs, actions)

    def q1_forward(self, obs: PyTorchObs, actions: Tensor) -> Tensor:
        """The values (batch, 1) of the first critic."""
        with torch.no_grad():
            features = inputs_of(self, obs)
        values: Tensor = self.generated(features, self.names[0], actions=actions, known=known_tasks(obs))[0]
        return values


def critic_names(count: int) -> tuple[str, ...]:
    """Names of critics: ``"critic0"`` the first."""
    return tuple(f"critic{number}" for number in range(count))


class HyperActorCritics(HyperPolicy, CriticRate):
    """Base of the policies with an actor and critics, a hypernetwork for each of the two."""

    critic_class: ClassVar[Any] = HyperCritic
    arch_names = ("pi", "qf")
    actor: Any
    critic: Any
    actor_kwargs: dict[str, Any]
    critic_kwargs: dict[str, Any]

    targets: ClassVar[tuple[str, ...]] = ("critic_target",)
    """The networks that others follow by Polyak averaging."""

    @unless_one_task
    def _build(self, lr_schedule: Schedule) -> None:
        super()._build(lr_schedule)
        self.actor.optimizer = self._build_optimizer(
            self.actor.generated, list(self.actor.parameters()), lr_schedule
        )
        for target in self.targets:
            getattr(self, target).generated.caching = False

    @unless_one_task
    def _critic_optimizer(self, lr_schedule: Schedule) -> torch.optim.Optimizer:
        return self._build_optimizer(
            self.critic.generated, self._critic_parameters(), lr_schedule, self.critic_lr_scale
        )

    @staticmethod
    def _arch_after_images() -> list[int]:
        return [256, 256]

    def _parts(self) -> Mapping[str, GeneratedNetworks]:
        return {"actor": self.actor.generated, "critic": self.critic.generated}

    def _add_options(self, critic: Any) -> Any:
        for network in critic.q_networks:
            add_blocks(network, len(self.critic_kwargs["net_arch"]), self.layer_norm, self.residual)
        return critic

    @partial(unless_one_task, then=_add_options)
    def make_critic(self, features_extractor: BaseFeaturesExtractor | None = None) -> Any:
        """Critics with a hypernetwork of their own, or plain ones of one task."""
        arguments = self._update_features_extractor(self.critic_kwargs, features_extractor)
        head = NetworkSpec(arguments.get("n_quantiles", 1), arguments["net_arch"])
        heads = dict.fromkeys(critic_names(arguments["n_critics"]), head)
        actions = get_action_dim(self.action_space)
        generated = self._copy_for_target("critic") if self.targets else None
        if generated is None:
            generated = self._generated_from(arguments["features_extractor"], heads, "critic", actions)
        return self.critic_class(generated, **arguments).to(self.device)

    @property
    def plain_networks(self) -> Mapping[str, nn.Sequential]:
        """The actor, then each critic."""
        critics: Any = zip(critic_names(self.critic.n_critics), self.critic.q_networks, strict=True)
        return {"actor": self._plain_actor(), **{name: nn.Sequential(each) for name, each in critics}}

    @abstractmethod
    def _plain_actor(self) -> nn.Sequential:
        """One task's network that acts, from features to actions before they are squashed."""

    def _effort(self) -> Effort | None:
        """The price of actions, which networks give in units of their bounds."""
        shape = (get_action_dim(self.action_space),)
        return (
            Effort(self.effort_coef, spaces.Box(-1, 1, shape, np.float32)) if self.effort_coef > 0 else None
        )
