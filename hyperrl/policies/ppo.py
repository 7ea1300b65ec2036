"""PPO and A2C: their policy, its actor and critic generated from the context, and their views."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3 import A2C, PPO
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.buffers import RolloutBuffer
from stable_baselines3.common.distributions import StateDependentNoiseDistribution
from stable_baselines3.common.policies import (
    ActorCriticPolicy,
    BaseModel,
    BasePolicy,
    MultiInputActorCriticPolicy,
)
from torch import Tensor, nn
from torch.nn import functional

from hyperrl.policies.actor_critic import HyperActorCritic, plain_modules
from hyperrl.policies.base import HyperPolicy
from hyperrl.policies.rollouts import TaskRolloutBuffer
from hyperrl.policies.task_rows import can_know_tasks
from hyperrl.policies.view import Arguments, Draw, Imitated, Minibatches, Network, Space, View
from hyperrl.tasks.contexts import ValueReader


class HyperActorCriticPolicy(HyperActorCritic, ActorCriticPolicy):
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


class PPOView(View):
    """View of PPO; base of the views of other on-policy algorithms."""

    algorithm: ClassVar[type[BaseAlgorithm]] = PPO
    hyper_policy: ClassVar[type[HyperPolicy]] = HyperActorCriticPolicy
    plain_policy: ClassVar[type[BasePolicy]] = MultiInputActorCriticPolicy
    sb3_policy: ClassVar[type[BasePolicy]] = ActorCriticPolicy
    one_loss = True
    hyperparameters: ClassVar[tuple[str, ...]] = ("gamma",)
    rollout_buffer: ClassVar[type[RolloutBuffer] | None] = TaskRolloutBuffer
    """Its rollout buffer that knows tasks; None where the algorithm lets nobody choose one."""

    def modules(self) -> Mapping[str, list[nn.Module]]:
        """The modules of actor and critic."""
        return plain_modules(self.policy)

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
        if self.parts and isinstance(policy.action_dist, StateDependentNoiseDistribution):
            latent = latent[:, : int(np.prod(policy.action_space.shape or ()))]
        outputs: Tensor = policy.action_net(latent)
        return torch.tanh(outputs) if policy.squash_output else outputs

    def values(self, observation: Any) -> Tensor:
        """The critic's value, (row,)."""
        values: Tensor = self.policy.predict_values(observation)
        return values.flatten()

    def outputs(self, observation: Any, draw: Draw) -> list[Tensor]:
        """The action distribution's parameters but for spreads, and values."""
        actor, critic = self.policy.mlp_extractor(self.policy.extract_features(observation))
        return [self.policy.action_net(actor), self.policy.value_net(critic)]

    def set_hyperparameters(self, readers: Mapping[str, ValueReader]) -> None:
        """See :meth:`View.set_hyperparameters`; what time limits cut off is a callback's."""
        if "gamma" in readers:
            self.model.rollout_buffer.discount = readers["gamma"]

    @classmethod
    def arguments(cls, fields: Arguments, observations: Space, actions: Space, to_learn: bool) -> Arguments:
        """The recipe's fields, and a rollout buffer that knows tasks."""
        arguments = dict(fields)
        if cls.rollout_buffer is not None and can_know_tasks(observations):
            arguments["rollout_buffer_class"] = cls.rollout_buffer
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

    def imitation(self, batch: Imitated, gamma: float | Tensor) -> dict[str, Tensor]:
        """See :meth:`View.imitation`; the critic learns the values of TD(0)."""
        policy = self.policy
        if isinstance(policy.action_space, spaces.Box):
            actor = functional.mse_loss(self.act_outputs(batch.observations), batch.advised)
        else:
            actor = -policy.get_distribution(batch.observations).log_prob(batch.advised).mean()
        with torch.no_grad():
            later = policy.predict_values(batch.next_observations)
            returns = batch.rewards + gamma * (1 - batch.terminated) * later
        critic = functional.mse_loss(policy.predict_values(batch.observations), returns)
        return {"actor": actor, "critic": self.model.vf_coef * critic}

    def _memory(self, rows: int) -> tuple[dict[str, Any], tuple[Any, ...]]:
        """An LSTM's arguments of the policy and of the rollout buffer's ``add``, and of its constructor."""
        return {}, ()


class A2CView(PPOView):
    """View of A2C, whose policy is that of PPO."""

    algorithm = A2C
