"""Maskable PPO of sb3-contrib: its policy with generated networks, its rollout buffer, and its view."""

from typing import Any, ClassVar, Self

import torch
from sb3_contrib import MaskablePPO
from sb3_contrib.common.maskable.buffers import (
    MaskableDictRolloutBuffer,
    MaskableDictRolloutBufferSamples,
)
from sb3_contrib.common.maskable.distributions import MaskableCategoricalDistribution
from sb3_contrib.common.maskable.policies import (
    MaskableActorCriticPolicy,
    MaskableMultiInputActorCriticPolicy,
)
from stable_baselines3.common.distributions import Distribution
from torch import Tensor

from hyperrl.policies.actor_critic import HyperActorCritic
from hyperrl.policies.distributions import FastCategorical
from hyperrl.policies.ppo import PPOView
from hyperrl.policies.rollouts import TaskRolloutBuffer


class FastMaskableCategorical(FastCategorical):
    """sb3-contrib's categorical distribution with masks: the same probabilities in fewer operations.

    A masked action has probability 0, whatever the logits.
    """

    def apply_masking(self, masks: Any) -> Self:
        """Leaves the valid actions alone.

        Args:
            masks: (batch, actions) or one row for all, true where an action is valid; None: all are.
        """
        if masks is not None:
            valid = torch.as_tensor(masks, dtype=torch.bool, device=self.log_probs.device)
            left = self.log_probs.masked_fill(~valid.reshape(-1, self.action_dim), -torch.inf)
            self.log_probs = torch.log_softmax(left, dim=1)
        return self


class HyperMaskablePolicy(HyperActorCritic, MaskableActorCriticPolicy):
    """sb3-contrib's maskable policy, every layer of actor and critic generated from the context.

    Takes the arguments of :class:`~hyperrl.policies.HyperActorCriticPolicy` but for those of continuous
    actions. No network sees a mask; masks are applied to the probabilities of actions.

    Args:
        observation_space: Observation space.
        action_space: Discrete, MultiDiscrete or MultiBinary.
        lr_schedule: Learning rate as a function of the progress remaining, from 1 to 0.
        policy_options: ``hypernetwork`` and the others of ``HyperPolicy``, and those of
            ``MaskableActorCriticPolicy``.
    """

    def evaluate_actions(
        self, obs: Any, actions: Tensor, action_masks: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Values (batch, 1), log probabilities (batch,) of actions, and entropies (batch,).

        Args:
            obs: Observations.
            actions: Actions of the rows.
            action_masks: (batch, choices); None: all are valid.
        """
        return super().evaluate_actions(obs, actions, action_masks)

    def _predict(self, observation: Any, deterministic: bool = False, action_masks: Any = None) -> Tensor:
        with self._acting(deterministic):
            return MaskableActorCriticPolicy._predict(self, observation, deterministic, action_masks)

    def _distribution_of(self, parameters: Tensor, *masks: Any) -> Distribution:
        distribution: Any = super()._distribution_of(parameters)
        for each in masks:
            distribution.apply_masking(each)
        fast: Distribution = distribution
        return fast

    @staticmethod
    def _fast(distribution: Distribution) -> Distribution:
        if type(distribution) is MaskableCategoricalDistribution:
            return FastMaskableCategorical(distribution.action_dim)
        return distribution


class MaskableTaskRolloutBuffer(TaskRolloutBuffer, MaskableDictRolloutBuffer):
    """sb3-contrib's rollout buffer with masks; its minibatches say which rows are of the same task."""

    minibatch = MaskableDictRolloutBufferSamples
    vectors: ClassVar = {**TaskRolloutBuffer.vectors, "action_masks": "action_masks"}


class MaskablePPOView(PPOView):
    """View of maskable PPO."""

    algorithm = MaskablePPO
    hyper_policy = HyperMaskablePolicy
    plain_policy = MaskableMultiInputActorCriticPolicy
    sb3_policy = MaskableActorCriticPolicy
    rollout_buffer = MaskableTaskRolloutBuffer
    masked = True
