"""TD3: its policies with generated and with plain networks, and its view."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from stable_baselines3 import TD3
from stable_baselines3.common.preprocessing import get_action_dim
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.type_aliases import PyTorchObs
from stable_baselines3.td3.policies import Actor as TD3Actor
from stable_baselines3.td3.policies import MultiInputPolicy, TD3Policy
from torch import Tensor, nn

from hyperrl.policies.building import NetworkSpec
from hyperrl.policies.effort import Effort
from hyperrl.policies.extractors import inputs_of
from hyperrl.policies.networks import GeneratedNetworks
from hyperrl.policies.off_policy import NO_LAYERS, CriticRate, HyperActorCritics
from hyperrl.policies.off_policy_view import ActorCriticsView
from hyperrl.policies.one_task import add_blocks, unless_one_task
from hyperrl.policies.task_rows import known_tasks


class HyperTD3Actor(TD3Actor):
    """The actor of TD3.

    Args:
        generated: A network ``"actor"``; its outputs are actions before they are squashed.
        effort: Price of the actions; None: none.
        arguments: Those of Stable-Baselines3's actor.
    """

    def __init__(self, generated: GeneratedNetworks, effort: Effort | None = None, **arguments: Any) -> None:
        super().__init__(**{**arguments, "net_arch": NO_LAYERS})
        self.net_arch = arguments["net_arch"]
        self.mu = nn.Sequential(nn.Tanh())
        self.generated, self.effort = generated, effort

    def _get_constructor_parameters(self) -> dict[str, Any]:
        own = {"generated": self.generated, "effort": self.effort}
        return {**super()._get_constructor_parameters(), **own}

    def forward(self, obs: PyTorchObs) -> Tensor:
        """Actions (batch, actions) in [-1, 1]."""
        means = self.generated(inputs_of(self, obs), "actor", known=known_tasks(obs))[0]
        actions: Tensor = self.mu(means if self.effort is None else self.effort(means))
        return actions


class HyperTD3Policy(HyperActorCritics, TD3Policy):
    """Stable-Baselines3's policy of TD3, every layer of its actor and its critics generated from the context.

    As :class:`HyperSACPolicy`; the target actor follows by Polyak averaging too.
    """

    targets = ("critic_target", "actor_target")

    def _add_actor_options(self, actor: Any) -> Any:
        add_blocks(actor.mu, len(actor.net_arch), self.layer_norm, self.residual)
        *layers, squashing = actor.mu
        effort = self._effort()
        actor.mu = nn.Sequential(*layers, *([] if effort is None else [effort]), squashing)
        return actor

    @partial(unless_one_task, then=_add_actor_options)
    def make_actor(self, features_extractor: BaseFeaturesExtractor | None = None) -> TD3Actor:
        """An actor with a hypernetwork of its own, or the plain one of one task."""
        arguments = self._update_features_extractor(self.actor_kwargs, features_extractor)
        head = NetworkSpec(get_action_dim(self.action_space), arguments["net_arch"])
        generated = self._copy_for_target("actor")
        if generated is None:
            generated = self._generated_from(arguments["features_extractor"], {"actor": head}, "actor")
        return HyperTD3Actor(generated, self._effort(), **arguments).to(self.device)

    def _plain_actor(self) -> nn.Sequential:
        return nn.Sequential(*list(self.actor.mu)[:-1])


class ConcatTD3Policy(CriticRate, MultiInputPolicy):
    """Stable-Baselines3's ``MultiInputPolicy`` of TD3, with a rate of the critics' own."""


class TD3View(ActorCriticsView):
    """View of TD3."""

    algorithm = TD3
    hyper_policy = HyperTD3Policy
    plain_policy = ConcatTD3Policy
    sb3_policy = TD3Policy

    def _actor(self) -> list[nn.Module]:
        return [self.policy.actor.mu]

    def _acting(self, actor: list[nn.Module]) -> list[nn.Module]:
        if self.hyper is None:
            return actor
        return [*actor, self.policy.actor.mu if self.parts else nn.Tanh()]

    @property
    def targets(self) -> Mapping[str, tuple[nn.Module, nn.Module]]:
        """Critics and actor, and their targets."""
        return {**super().targets, "actor": (self.policy.actor, self.policy.actor_target)}

    def act_outputs(self, observation: Any) -> Tensor:
        """Actions in [-1, 1]."""
        actions: Tensor = self.policy.actor(observation)
        return actions

    def _actor_outputs(self, observation: Any) -> list[Tensor]:
        return [self.act_outputs(observation)]
