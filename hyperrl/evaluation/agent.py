"""A trained agent, acting on one task at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import gymnasium as gym
import numpy as np
from numpy.typing import ArrayLike, NDArray

from hyperrl.errors import UserError
from hyperrl.evaluation.observations import check_observation
from hyperrl.evaluation.policy import ModelPolicy
from hyperrl.masks import Masks, masks_of_rows
from hyperrl.recipes import CONTEXT
from hyperrl.store import Run
from hyperrl.tasks import Family

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm
    from torch import Tensor, nn

    from hyperrl.policies import HyperPolicy


@dataclass(frozen=True)
class Agent:
    """A trained agent. A context is a mapping of raw feature values; those left out take their defaults.

    An agent with an LSTM, or one that infers contexts, does not see the context, and remembers the episode:
    call :meth:`reset` when the next one begins.

    Attributes:
        run: the run that trained it.
        family: the tasks that it was trained on.
        model: the Stable-Baselines3 algorithm, without an environment (give it one by `set_env`).
        checkpoint: name of the checkpoint that it was loaded from.
    """

    run: Run
    family: Family
    model: BaseAlgorithm
    checkpoint: str = "latest"

    @cached_property
    def _policy(self) -> ModelPolicy:
        return ModelPolicy(self.model)

    @cached_property
    def _parts(self) -> dict[str, gym.Space[Any]]:
        """The parts of an observation without its context, stacked where the agent's are."""
        space: Any = self.family.observation_space
        return {key: part for key, part in space.spaces.items() if key != CONTEXT}

    def reset(self) -> None:
        """Begin an episode, or n of them: an agent that remembers forgets what came before."""
        self._policy.reset()

    def act(
        self,
        obs: ArrayLike | Mapping[str, ArrayLike],
        context: Mapping[str, float],
        deterministic: bool = True,
        action_masks: ArrayLike | None = None,
    ) -> NDArray[Any]:
        """Act on one task.

        Args:
            obs: an observation of the base environment, or a batch of them with n as first axis; a mapping
                where its space is a Dict. An agent with `frame_stack` takes stacked ones.
            context: the task.
            deterministic: take the most likely action rather than draw one.
            action_masks: which choices are valid, (choices,), or (n, choices) for n observations, of an
                agent that takes masks; None: all are.

        Returns:
            The action, or n of them, clipped to the action space.

        Raises:
            UserError: an unknown feature or a value that is not finite.
            ValueError: an observation of another shape or type, a choice that its space does not have, or
                more or fewer of them than an agent that remembers saw before in these episodes; masks of
                another shape, masks that leave no choice, or an agent that takes none.
        """
        adapter = self.family.adapter
        batch, count = check_observation(obs, self._parts, adapter.starts)
        descriptors = self.family.space.descriptors([context])
        batch[CONTEXT] = descriptors[0] if count is None else np.repeat(descriptors, count, axis=0)
        self._policy.deterministic = deterministic
        actions = self._policy(batch, *self._masks(action_masks, count))
        actions = actions if adapter.action_start is None else actions + adapter.action_start
        return np.asarray(actions[0]) if count is None else actions

    def _masks(self, masks: ArrayLike | None, count: int | None) -> tuple[Masks, ...]:
        """The masks of so many observations, None being one alone, where there are any."""
        if masks is None:
            return ()
        if not self._policy.masked:
            name = self.run.spec.agent.algorithm.name
            raise ValueError(f"action_masks: found some; allowed: none with the algorithm {name!r}")
        return (masks_of_rows(masks, self.family.adapter.choices, 1 if count is None else count),)

    def weights(self, context: Mapping[str, float]) -> dict[str, NDArray[Any]]:
        """The weights generated for one task: "actor.0.weight" (out, in), "actor.0.bias" (out,), "critic...".

        Off policy with continuous actions, critics are "critic0" and "critic1", and see actions after the
        features; DQN and QR-DQN have "critic" alone.

        Raises:
            UserError: an agent that generates no weights, or whose weights follow the observation; an unknown
                feature, or a value that is not finite.
        """
        import torch

        policy, descriptor = self._generator(context)
        with torch.no_grad():
            generated = policy.generated_weights(descriptor[None])
        return {name: weight[0].cpu().numpy() for name, weight in generated.items()}

    def specialize(self, context: Mapping[str, float]) -> nn.Module:
        """The network that acts on one task: a plain one from observations to the parameters of its action.

        Off policy with continuous actions these are of the action before tanh squashes it into its bounds;
        with DQN the values of all actions; with QR-DQN a quantile of each, then the next one of each. Its
        first layer normalizes observations, where the agent learned from normalized ones.

        Raises:
            UserError: an agent that generates no weights, or whose weights follow the observation; an unknown
                feature, or a value that is not finite.
        """
        from torch.nn import Sequential

        from hyperrl.policies.normalization import NormalizedFeatures
        from hyperrl.policies.registry import view

        policy, descriptor = self._generator(context)
        network, of = policy.specialize(descriptor), view(self.model)
        if of.normalization is None:
            return network
        extractor = next(iter(of.networks(descriptor).values())).extractor
        first = NormalizedFeatures(of.normalization, extractor, policy.observation_space)
        return Sequential(first.to(self.model.device), *network)

    def _generator(self, context: Mapping[str, float]) -> tuple[HyperPolicy, Tensor]:
        """The policy that generates weights, and the descriptor of a task."""
        import torch

        from hyperrl.policies.registry import view

        policy, name = view(self.model).hyper, self.run.spec.agent.name
        if policy is None:
            raise UserError(f"agent {name!r}: generates no weights; an agent with policy.kind hyper does")
        if policy.dynamic:
            inputs = policy.config.inputs
            follows = next(kind for kind in ("memory", "latent", "state") if kind in inputs)
            field = f"policy.hypernetwork.inputs holds {follows!r}"
            if follows == "latent":
                field = "policy.inference infers contexts"
            raise UserError(
                f"agent {name!r}: its weights follow what it observes, as {field}; no task has weights of its"
                " own"
            )
        descriptor = self.family.space.descriptors([context])[0]
        return policy, torch.as_tensor(descriptor, device=self.model.device)
