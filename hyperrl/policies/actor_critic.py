"""An actor and a critic that are generated from the context, in the place of plain ones."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.distributions import (
    DiagGaussianDistribution,
    Distribution,
    StateDependentNoiseDistribution,
)
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.type_aliases import PyTorchObs, Schedule
from torch import Tensor, nn

from hyperrl.policies.base import HyperPolicy
from hyperrl.policies.building import NetworkSpec
from hyperrl.policies.distributions import (
    FastCategorical,
    FastDiagGaussian,
    evaluate_gaussian,
    fast_distribution,
)
from hyperrl.policies.effort import Effort
from hyperrl.policies.extractors import Inputs, inputs_of, vectors_of
from hyperrl.policies.networks import GeneratedNetworks
from hyperrl.policies.one_task import add_blocks, unless_one_task, with_effort_price
from hyperrl.policies.task_rows import TaskRows, known_tasks

SQRT2 = float(np.sqrt(2))


class GeneratedActorCritic(nn.Module):
    """An actor and a critic at the place of Stable-Baselines3's ``mlp_extractor``, heads included.

    Args:
        generated: Networks named ``"actor"``, its outputs the action distribution's parameters, and
            ``"critic"``, its one output the value.
    """

    def __init__(self, generated: GeneratedNetworks) -> None:
        super().__init__()
        self.generated = generated

    def forward(self, features: Inputs, known: TaskRows | None = None) -> tuple[Tensor, Tensor]:
        """The actor's outputs (batch, outputs) and the values (batch, 1).

        Args:
            features: As they are extracted.
            known: The observations, where it is known which rows are of the same task.
        """
        actor, values = self.generated(features, "actor", "critic", known=known)
        return actor, values

    def forward_actor(self, features: Tensor) -> Tensor:
        """The actor's outputs alone."""
        actor: Tensor = self.generated(features, "actor")[0]
        return actor

    def forward_critic(self, features: Tensor) -> Tensor:
        """The values alone."""
        values: Tensor = self.generated(features, "critic")[0]
        return values


class HyperActorCritic(HyperPolicy):
    """Generates every layer of actor and critic; inherit from it before a policy with ``mlp_extractor``.

    That policy is Stable-Baselines3's ``ActorCriticPolicy``, or one of sb3-contrib's with the same parts.
    """

    activation = nn.Tanh
    mlp_extractor: Any
    action_net: Any
    value_net: Any
    action_dist: Any
    net_arch: Any
    pi_features_extractor: BaseFeaturesExtractor
    vf_features_extractor: BaseFeaturesExtractor
    share_features_extractor: bool
    ortho_init: bool
    log_std_init: float

    def _add_price(self, _: None) -> None:
        self.action_net = with_effort_price(self.action_net, self._effort())

    @partial(unless_one_task, then=_add_price)
    def _build(self, lr_schedule: Schedule) -> None:
        self.action_dist = self._fast(self.action_dist)
        self.mlp_extractor = GeneratedActorCritic(
            self._generated_networks(self._hidden("pi"), self._hidden("vf"))
        )
        self.action_net = self._effort() or nn.Identity()
        self.value_net = nn.Identity()
        if self.ortho_init:
            for extractor in dict.fromkeys((self.pi_features_extractor, self.vf_features_extractor)):
                extractor.apply(partial(self.init_weights, gain=SQRT2))
        self.optimizer = self._build_optimizer(self.generated, list(self.parameters()), lr_schedule)

    def _build_mlp_extractor(self) -> None:
        """The hidden layers of one task's plain networks."""
        base: Any = super()
        base._build_mlp_extractor()
        plain = self.mlp_extractor
        for name, network in (("pi", plain.policy_net), ("vf", plain.value_net)):
            add_blocks(network, len(self._hidden(name)), self.layer_norm, self.residual)

    def _hidden(self, network: str) -> list[int]:
        """Hidden sizes of the actor, ``"pi"``, or the critic, ``"vf"``."""
        arch: Any = self.net_arch
        hidden: list[int] = arch.get(network, []) if isinstance(arch, dict) else arch
        return hidden

    def _effort(self) -> Effort | None:
        """The price of continuous actions, where they have one."""
        if self.effort_coef == 0 or not isinstance(self.action_space, spaces.Box):
            return None
        return Effort(self.effort_coef, self.action_space)

    def _generated_networks(self, actor_hidden: list[int], critic_hidden: list[int]) -> GeneratedNetworks:
        gain = SQRT2 if self.ortho_init else None
        sde = isinstance(self.action_dist, StateDependentNoiseDistribution)
        outputs = self._action_parameters(self._latent(self.features_extractor, actor_hidden))
        heads = {
            "actor": NetworkSpec(outputs, actor_hidden, gain, out_gain=0.01, with_latent=sde),
            "critic": NetworkSpec(1, critic_hidden, gain),
        }
        return self._generated_from(self.features_extractor, heads)

    def _action_parameters(self, latent: int) -> int:
        """Number of outputs that the action distribution needs; sets ``log_std`` where it has one."""
        if isinstance(self.action_dist, (DiagGaussianDistribution, StateDependentNoiseDistribution)):
            head, self.log_std = self.action_dist.proba_distribution_net(
                latent, log_std_init=self.log_std_init
            )
        else:
            head = self.action_dist.proba_distribution_net(latent)
        assert isinstance(head, nn.Linear)
        return int(head.out_features)

    @unless_one_task
    def _get_action_dist_from_latent(self, latent_pi: Tensor) -> Any:
        if not isinstance(self.action_dist, StateDependentNoiseDistribution):
            base: Any = super()
            return base._get_action_dist_from_latent(latent_pi)
        actions = self.action_dist.action_dim
        return self.action_dist.proba_distribution(
            self.action_net(latent_pi[:, :actions]), self.log_std, latent_pi[:, actions:]
        )

    def extract_features(  # type: ignore[override]
        self, obs: PyTorchObs, features_extractor: BaseFeaturesExtractor | None = None
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Features (batch, features + descriptor); for the actor and for the critic where they share none.

        Observations that are vectors of numbers are their own features.
        """
        if features_extractor is None and self.share_features_extractor:
            vectors = vectors_of(self.features_extractor, obs)
            if vectors is not None:
                return torch.cat(vectors, dim=1)
        base: Any = super()
        features: Tensor | tuple[Tensor, Tensor] = base.extract_features(obs, features_extractor)
        return features

    def evaluate_actions(
        self, obs: PyTorchObs, actions: Tensor, *more: Any
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """The values (batch, 1) of observations, the log densities (batch,) of actions, and the entropies."""
        known = known_tasks(obs)
        if known is None or self.one_task or not self.share_features_extractor:
            base: Any = super()
            evaluated: tuple[Tensor, Tensor, Tensor | None] = base.evaluate_actions(obs, actions, *more)
            return evaluated
        parameters, values = self.mlp_extractor(inputs_of(self, obs), known)
        if type(self.action_dist) is FastDiagGaussian:
            effort = self.action_net if isinstance(self.action_net, Effort) else None
            return values, *evaluate_gaussian(parameters, self.log_std, actions, effort)
        distribution = self._distribution_of(parameters, *more)
        if isinstance(distribution, FastCategorical):
            return values, *distribution.evaluate(actions)
        return values, distribution.log_prob(actions), distribution.entropy()

    def _distribution_of(self, parameters: Tensor, *_: Any) -> Distribution:
        """The distribution of actions, given the actor's outputs and what else ``evaluate_actions`` takes."""
        distribution: Distribution = self._get_action_dist_from_latent(parameters)
        return distribution

    @staticmethod
    def _fast(distribution: Distribution) -> Distribution:
        """The lean form of the distribution, where there is one."""
        return fast_distribution(distribution)

    @property
    def generated(self) -> GeneratedNetworks:
        """The target networks and the hypernetwork that generates them."""
        generated: GeneratedNetworks = self.mlp_extractor.generated
        return generated

    def _parts(self) -> Mapping[str, GeneratedNetworks]:
        return {"actor": self.generated}

    @property
    def plain_networks(self) -> Mapping[str, nn.Sequential]:
        """Actor and critic."""
        return {name: nn.Sequential(*modules) for name, modules in plain_modules(self).items()}


def plain_modules(policy: Any) -> dict[str, list[nn.Module]]:
    """The modules of plain actors and critics, by name."""
    hidden = policy.mlp_extractor
    return {
        "actor": [hidden.policy_net, policy.action_net],
        "critic": [hidden.value_net, policy.value_net],
    }
