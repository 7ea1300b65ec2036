"""PPO and A2C: their policy, its actor and critic generated from the context, and their views."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3 import A2C, PPO
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.distributions import (
    DiagGaussianDistribution,
    Distribution,
    StateDependentNoiseDistribution,
)
from stable_baselines3.common.policies import (
    ActorCriticPolicy,
    BaseModel,
    BasePolicy,
    MultiInputActorCriticPolicy,
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
from hyperrl.policies.rollouts import TaskRolloutBuffer
from hyperrl.policies.task_rows import TaskRows, can_know_tasks, known_tasks
from hyperrl.policies.view import Arguments, Draw, Minibatches, Network, Space, View

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


class HyperActorCriticPolicy(HyperPolicy, ActorCriticPolicy):
    """Stable-Baselines3's actor-critic policy, every layer of both networks generated from the context.

    Takes the arguments of :class:`~hyperrl.policies.base.HyperPolicy`, on any space of actions.

    Args:
        observation_space: Observation space.
        action_space: Box, Discrete, MultiDiscrete or MultiBinary.
        lr_schedule: Learning rate as a function of the progress remaining, from 1 to 0.
        net_arch: Hidden sizes of the target networks: ``[64, 64]`` or ``dict(pi=[64], vf=[128])``.
        activation_fn: Activation of the target networks.
        ortho_init: Generated weights start with the statistics of Stable-Baselines3's orthogonal
            initialization, else with those of ``torch.nn.Linear``.
        policy_options: ``hypernetwork`` and the others of ``HyperPolicy``, and those of
            ``ActorCriticPolicy``: ``use_sde``, ``log_std_init``, ``optimizer_class`` and so on.
    """

    mlp_extractor: GeneratedActorCritic  # type: ignore[assignment]

    activation = nn.Tanh
    ortho_init: bool

    def _add_price(self, _: None) -> None:
        self.action_net = with_effort_price(self.action_net, self._effort())

    @partial(unless_one_task, then=_add_price)
    def _build(self, lr_schedule: Schedule) -> None:
        self.action_dist = fast_distribution(self.action_dist)
        self.mlp_extractor = GeneratedActorCritic(
            self._generated_networks(self._hidden("pi"), self._hidden("vf"))
        )
        self.action_net = self._effort() or nn.Identity()
        self.value_net = nn.Identity()  # type: ignore[assignment]
        if self.ortho_init:
            for extractor in dict.fromkeys((self.pi_features_extractor, self.vf_features_extractor)):
                extractor.apply(partial(self.init_weights, gain=SQRT2))
        self.optimizer = self._build_optimizer(self.generated, list(self.parameters()), lr_schedule)

    def _build_mlp_extractor(self) -> None:
        """The hidden layers of one task's plain networks."""
        super()._build_mlp_extractor()
        plain: Any = self.mlp_extractor
        for name, network in (("pi", plain.policy_net), ("vf", plain.value_net)):
            add_blocks(network, len(self._hidden(name)), self.layer_norm, self.residual)

    def _hidden(self, network: str) -> list[int]:
        """Hidden sizes of the actor, ``"pi"``, or the critic, ``"vf"``."""
        return self.net_arch.get(network, []) if isinstance(self.net_arch, dict) else self.net_arch

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
            head = self.action_dist.proba_distribution_net(latent)  # type: ignore[assignment]
        assert isinstance(head, nn.Linear)
        return int(head.out_features)

    @unless_one_task
    def _get_action_dist_from_latent(self, latent_pi: Tensor) -> Distribution:
        if not isinstance(self.action_dist, StateDependentNoiseDistribution):
            return super()._get_action_dist_from_latent(latent_pi)
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
        features: Tensor | tuple[Tensor, Tensor] = super().extract_features(obs, features_extractor)
        return features

    def evaluate_actions(
        self, obs: PyTorchObs, actions: Tensor, *more: Any
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """The values (batch, 1) of observations, the log densities (batch,) of actions, and the entropies."""
        known = known_tasks(obs)
        if known is None or self.one_task or not self.share_features_extractor:
            return super().evaluate_actions(obs, actions, *more)
        parameters, values = self.mlp_extractor(inputs_of(self, obs), known)
        if type(self.action_dist) is FastDiagGaussian:
            effort = self.action_net if isinstance(self.action_net, Effort) else None
            return values, *evaluate_gaussian(parameters, self.log_std, actions, effort)
        distribution = self._get_action_dist_from_latent(parameters)
        if isinstance(distribution, FastCategorical):
            return values, *distribution.evaluate(actions)
        return values, distribution.log_prob(actions), distribution.entropy()

    @property
    def generated(self) -> GeneratedNetworks:
        """The target networks and the hypernetwork that generates them."""
        return self.mlp_extractor.generated

    def _parts(self) -> Mapping[str, GeneratedNetworks]:
        return {"actor": self.generated}

    @property
    def plain_networks(self) -> Mapping[str, nn.Sequential]:
        """Actor and critic."""
        return {name: nn.Sequential(*modules) for name, modules in PPOView(self).modules().items()}


class PPOView(View):
    """View of PPO; base of the views of other on-policy algorithms."""

    algorithm: ClassVar[type[BaseAlgorithm]] = PPO
    hyper_policy: ClassVar[type[HyperPolicy]] = HyperActorCriticPolicy
    plain_policy: ClassVar[type[BasePolicy]] = MultiInputActorCriticPolicy
    sb3_policy: ClassVar[type[BasePolicy]] = ActorCriticPolicy
    one_loss = True
    takes_rollout_buffer: ClassVar[bool] = True
    """Whether the algorithm lets others choose its rollout buffer."""

    def modules(self) -> Mapping[str, list[nn.Module]]:
        """The modules of actor and critic."""
        hidden, policy = self.policy.mlp_extractor, self.policy
        return {
            "actor": [hidden.policy_net, policy.action_net],
            "critic": [hidden.value_net, policy.value_net],
        }

    def networks(self, descriptor: Tensor) -> Mapping[str, Network]:
        """Actor and critic of one task."""
        policy, plain = self.policy, self.specialized(descriptor)
        squashing = [nn.Tanh()] if policy.squash_output else []
        return {
            "actor": Network(policy.pi_features_extractor, [*plain["actor"], *squashing]),
            "critic": Network(policy.vf_features_extractor, plain["critic"]),
        }

    def act_outputs(self, observation: Any) -> Tensor:
        """The action distribution's parameters but for spreads; squashed means where actions are squashed."""
        policy = self.policy
        features = BaseModel.extract_features(policy, observation, policy.pi_features_extractor)
        latent = policy.mlp_extractor.forward_actor(features)
        if self.parts and policy.use_sde:
            latent = latent[:, : int(np.prod(policy.action_space.shape or ()))]
        outputs: Tensor = policy.action_net(latent)
        return torch.tanh(outputs) if policy.squash_output else outputs

    def outputs(self, observation: Any, draw: Draw) -> list[Tensor]:
        """The action distribution's parameters but for spreads, and values."""
        actor, critic = self.policy.mlp_extractor(self.policy.extract_features(observation))
        return [self.policy.action_net(actor), self.policy.value_net(critic)]

    @classmethod
    def arguments(cls, fields: Arguments, observations: Space, actions: Space, to_learn: bool) -> Arguments:
        """The recipe's fields, and a rollout buffer that knows tasks."""
        arguments = dict(fields)
        if cls.takes_rollout_buffer and can_know_tasks(observations):
            arguments["rollout_buffer_class"] = TaskRolloutBuffer
        return arguments if to_learn else {**arguments, "n_steps": 1}

    @property
    def rollout_steps(self) -> int:
        """Environment steps of one rollout, all environments together."""
        return int(self.model.n_steps * self.model.n_envs)

    @property
    def minibatches(self) -> Minibatches:
        """The minibatches of a rollout; A2C learns from the whole rollout at once."""
        rollout = self.rollout_steps
        rows = min(int(getattr(self.model, "batch_size", rollout)), rollout)
        return Minibatches(rows, rollout % rows, rollout // rows, int(getattr(self.model, "n_epochs", 1)))

    def learning(self, observations: Mapping[str, NDArray[Any]]) -> tuple[Callable[[], object], int]:
        """See :meth:`View.learning`; the rollout buffer holds one minibatch."""
        model, policy = self.model, self.policy
        rows = len(next(iter(observations.values())))
        zeros = np.zeros(rows, np.float32)
        memory, shapes = self._memory(rows)
        starts = {"episode_starts": torch.ones(rows)} if memory else {}
        with torch.no_grad():
            actions, values, log_probs, *_ = policy(policy.obs_to_tensor(observations)[0], **memory, **starts)
        spaces_of_model = model.observation_space, model.action_space
        buffer = type(model.rollout_buffer)(1, *spaces_of_model, *shapes, model.device, n_envs=rows)
        buffer.add(observations, actions.cpu().numpy(), zeros, zeros, values, log_probs, **memory)
        buffer.advantages[:] = np.random.default_rng(0).standard_normal((1, rows))
        model.rollout_buffer = buffer
        model.n_epochs, model.batch_size = 1, rows
        return model.train, 1

    def _memory(self, rows: int) -> tuple[dict[str, Any], tuple[Any, ...]]:
        """An LSTM's arguments of the policy and of the rollout buffer's ``add``, and of its constructor."""
        return {}, ()


class A2CView(PPOView):
    """View of A2C, whose policy is that of PPO."""

    algorithm = A2C
