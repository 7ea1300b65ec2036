"""The policies of SAC, TD3 and DQN, their actors and critics generated from the context; their baselines."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.policies import BasePolicy, ContinuousCritic
from stable_baselines3.common.preprocessing import get_action_dim
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.type_aliases import Schedule
from stable_baselines3.dqn.policies import DQNPolicy
from stable_baselines3.sac.policies import Actor as SACActor
from stable_baselines3.sac.policies import MultiInputPolicy as SACMultiInputPolicy
from stable_baselines3.sac.policies import SACPolicy
from stable_baselines3.td3.policies import Actor as TD3Actor
from stable_baselines3.td3.policies import MultiInputPolicy as TD3MultiInputPolicy
from stable_baselines3.td3.policies import TD3Policy
from torch import nn

from hyperrl.policies.base import HyperPolicy, NetworkSpec
from hyperrl.policies.effort import Effort
from hyperrl.policies.networks import GeneratedNetworks
from hyperrl.policies.one_task import add_blocks, priced, side_by_side
from hyperrl.policies.optimizer import scaled
from hyperrl.policies.parts import (
    GeneratedValues,
    HyperCritic,
    HyperQNetwork,
    HyperSACActor,
    HyperTD3Actor,
    critic_names,
)


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
        grouped = [{"params": self._critic_parameters(), "lr_scale": self.critic_lr_scale}]
        return scaled(self.optimizer_class)(grouped, lr=lr_schedule(1), **self.optimizer_kwargs)

    def _critic_parameters(self) -> list[nn.Parameter]:
        """What the critics' loss learns: no extractor that belongs to the actor too."""
        shared = self.share_features_extractor
        named = self.critic.named_parameters()
        return [parameter for name, parameter in named if not (shared and "features_extractor" in name)]


class ConcatSACPolicy(CriticRate, SACMultiInputPolicy):
    """Stable-Baselines3's ``MultiInputPolicy`` of SAC, with a rate of the critics' own."""


class ConcatTD3Policy(CriticRate, TD3MultiInputPolicy):
    """Stable-Baselines3's ``MultiInputPolicy`` of TD3, with a rate of the critics' own."""


class HyperActorCritics(HyperPolicy, CriticRate):
    """What the policies of SAC, TD3 and TQC share: an actor and critics, a hypernetwork for each."""

    critic_class: ClassVar[Any] = HyperCritic
    arch_names = ("pi", "qf")
    actor: Any
    critic: Any
    critic_target: Any
    actor_kwargs: dict[str, Any]
    critic_kwargs: dict[str, Any]

    def _build(self, lr_schedule: Schedule) -> None:
        super()._build(lr_schedule)
        if self.one_task:
            return
        self.actor.optimizer = self._build_optimizer(
            self.actor.generated, list(self.actor.parameters()), lr_schedule
        )
        self.critic_target.generated.caching = False

    def _critic_optimizer(self, lr_schedule: Schedule) -> torch.optim.Optimizer:
        if self.one_task:
            return super()._critic_optimizer(lr_schedule)
        return self._build_optimizer(
            self.critic.generated, self._critic_parameters(), lr_schedule, self.critic_lr_scale
        )

    @staticmethod
    def _arch_after_images() -> list[int]:
        return [256, 256]

    @property
    def parts(self) -> Mapping[str, GeneratedNetworks]:
        """The actor, and all critics together."""
        if self.one_task:
            return {}
        return {"actor": self.actor.generated, "critic": self.critic.generated}

    def make_critic(self, features_extractor: BaseFeaturesExtractor | None = None) -> Any:
        """Critics with a hypernetwork of their own, or plain ones of one task."""
        if self.one_task:
            critic = super().make_critic(features_extractor)  # type: ignore[misc]
            for network in critic.q_networks:
                add_blocks(network, len(self.critic_kwargs["net_arch"]), self.layer_norm, self.residual)
            return critic
        given = self._update_features_extractor(self.critic_kwargs, features_extractor)
        head = NetworkSpec(given.get("n_quantiles", 1), given["net_arch"])
        heads = dict.fromkeys(critic_names(given["n_critics"]), head)
        actions = get_action_dim(self.action_space)
        generated = self._made(given["features_extractor"], heads, "critic", actions)
        return self.critic_class(generated, **given).to(self.device)

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


class HyperSquashedActorCritics(HyperActorCritics):
    """What the policies of SAC and TQC share: an actor that draws actions and squashes them."""

    def make_actor(self, features_extractor: BaseFeaturesExtractor | None = None) -> SACActor:
        """An actor with a hypernetwork of its own, or the plain one of one task."""
        if self.one_task:
            actor: SACActor = super().make_actor(features_extractor)  # type: ignore[misc]
            add_blocks(actor.latent_pi, len(actor.net_arch), self.layer_norm, self.residual)
            actor.mu = priced(actor.mu, self._effort())
            return actor
        given = self._update_features_extractor(self.actor_kwargs, features_extractor)
        extractor, hidden = given["features_extractor"], given["net_arch"]
        actions, sde = get_action_dim(self.action_space), given["use_sde"]
        head = NetworkSpec(actions if sde else 2 * actions, hidden, with_latent=sde)
        generated = self._made(extractor, {"actor": head}, "actor")
        latent = self._latent(extractor, hidden)
        return HyperSACActor(generated, latent, self._effort(), **given).to(self.device)

    def _plain_actor(self) -> nn.Sequential:
        actor = self.actor
        heads = actor.mu if actor.use_sde else side_by_side(actor.mu, actor.log_std)
        return nn.Sequential(actor.latent_pi, heads)


class HyperSACPolicy(HyperSquashedActorCritics, SACPolicy):
    """Stable-Baselines3's policy of SAC, every layer of its actor and its critics generated from the context.

    One hypernetwork makes the actor and one all critics, as each of the two has its optimizer; with the
    trunk ``"separate"`` each critic has its own. The target critics follow by Polyak averaging of the
    hypernetwork's parameters. Arguments are those of
    :class:`~hyperrl.policies.base.HyperPolicy`, ``critic_lr_scale`` (the critics' learning rate
    as a multiple of the algorithm's), and those of Stable-Baselines3's ``SACPolicy``. Actions are a Box.
    """


class HyperTD3Policy(HyperActorCritics, TD3Policy):
    """Stable-Baselines3's policy of TD3, every layer of its actor and its critics generated from the context.

    As :class:`HyperSACPolicy`; the target actor follows by Polyak averaging too.
    """

    actor_target: Any

    def _build(self, lr_schedule: Schedule) -> None:
        super()._build(lr_schedule)
        if not self.one_task:
            self.actor_target.generated.caching = False

    def make_actor(self, features_extractor: BaseFeaturesExtractor | None = None) -> TD3Actor:
        """An actor with a hypernetwork of its own, or the plain one of one task."""
        if self.one_task:
            actor = super().make_actor(features_extractor)
            add_blocks(actor.mu, len(actor.net_arch), self.layer_norm, self.residual)
            *layers, squashing = actor.mu
            effort = self._effort()
            actor.mu = nn.Sequential(*layers, *([] if effort is None else [effort]), squashing)
            return actor
        given = self._update_features_extractor(self.actor_kwargs, features_extractor)
        head = NetworkSpec(get_action_dim(self.action_space), given["net_arch"])
        generated = self._made(given["features_extractor"], {"actor": head}, "actor")
        return HyperTD3Actor(generated, self._effort(), **given).to(self.device)

    def _plain_actor(self) -> nn.Sequential:
        return nn.Sequential(*list(self.actor.mu)[:-1])


class HyperGreedyPolicy(HyperPolicy):
    """What the policies of DQN and QR-DQN share: a generated network of values, and its target."""

    arch_names = ()
    network: ClassVar[str]
    """Where the policy has it, and with ``_target`` its target."""

    def _build(self, lr_schedule: Schedule) -> None:
        super()._build(lr_schedule)  # type: ignore[misc]
        if self.one_task:
            return
        own: nn.Module = getattr(self, self.network)
        self.optimizer = self._build_optimizer(self.parts["critic"], list(own.parameters()), lr_schedule)
        getattr(self, f"{self.network}_target").generated.caching = False

    @property
    def parts(self) -> Mapping[str, GeneratedNetworks]:
        """The network of values, which judges and by that acts."""
        if self.one_task:
            return {}
        return {"critic": getattr(self, self.network).generated}

    @property
    def plain_networks(self) -> Mapping[str, nn.Sequential]:
        """The network of values."""
        return {"critic": nn.Sequential(getattr(getattr(self, self.network), self.network))}

    def _with_blocks(self, made: Any) -> Any:
        """A plain network of values with the options of its hidden layers."""
        add_blocks(getattr(made, self.network), len(made.net_arch), self.layer_norm, self.residual)
        return made

    def _build_network(self, made: type[GeneratedValues], outputs: int = 1) -> Any:
        """A network with a hypernetwork of its own, with so many outputs for each action."""
        arguments: dict[str, Any] = self.net_args  # type: ignore[assignment]
        given = self._update_features_extractor(arguments, features_extractor=None)
        assert isinstance(self.action_space, spaces.Discrete)
        heads = {"critic": NetworkSpec(outputs * int(self.action_space.n), given["net_arch"])}
        generated = self._made(given["features_extractor"], heads, "critic")
        return made(generated, **given).to(self.device)


class HyperDQNPolicy(HyperGreedyPolicy, DQNPolicy):
    """Stable-Baselines3's policy of DQN, every layer of its Q-network generated from the context.

    The target network follows by Polyak averaging of the hypernetwork's parameters. Arguments are those of
    :class:`~hyperrl.policies.base.HyperPolicy` and of Stable-Baselines3's ``DQNPolicy``. Actions
    are Discrete; the network's name is ``"critic"``.
    """

    q_net: HyperQNetwork
    q_net_target: HyperQNetwork
    network = "q_net"

    def make_q_net(self) -> HyperQNetwork:
        """A Q-network with a hypernetwork of its own, or the plain one of one task."""
        if self.one_task:
            return self._with_blocks(super().make_q_net())  # type: ignore[no-any-return]
        made: HyperQNetwork = self._build_network(HyperQNetwork)
        return made
