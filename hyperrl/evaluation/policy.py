"""Policies as evaluations call them: from the observations of many environments to their actions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from hyperrl.errors import UserError
from hyperrl.masks import Masks
from hyperrl.recipes import CONTEXT

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm
    from torch import Tensor

Observation = dict[str, NDArray[Any]]
Policy = Callable[..., NDArray[Any]]
"""Maps observations of n environments, each entry with n as first axis, to n actions.

A policy with a memory has a method `reset`, which is called before the first step of episodes. One whose
attribute `masked` is true gets the action masks, (n, choices), as its second argument.
"""


def is_masked(policy: Policy) -> bool:
    """Whether a policy takes action masks."""
    return bool(getattr(policy, "masked", False))


def begin_episodes(policy: Policy) -> None:
    """Tell a policy that episodes begin; one without a memory has nothing to forget."""
    if reset := getattr(policy, "reset", None):
        reset()


def takes_masks(policy: Policy, family: str, masked: bool) -> bool:
    """Whether a policy takes action masks.

    Args:
        policy: the policy.
        family: name of the one that it plays.
        masked: whether the family's base environment has masks.

    Raises:
        UserError: the policy takes masks, and the base environment has none.
    """
    if is_masked(policy) and not masked:
        raise UserError(f"family {family!r}: found no action masks; the policy needs a base that has them")
    return is_masked(policy)


class ModelPolicy:
    """The policy of a Stable-Baselines3 model: the actions of its `predict`.

    Observations are the environment's own; where the model learns from normalized ones, they are normalized
    here, by its statistics as they are. Where it infers contexts, it does so here, from what it observed and
    did since :meth:`reset`; the contexts of observations are not looked at.

    It puts the model's policy into evaluation mode once; `predict` does so at each call, upon which all
    parameters of hypernetworks are compared with those of the step before.

    Attributes:
        deterministic: whether the most likely actions are taken, or drawn ones.
        masked: whether it takes action masks.
    """

    def __init__(self, model: BaseAlgorithm, deterministic: bool = True) -> None:
        from hyperrl.policies.inference import OnlineInference
        from hyperrl.policies.registry import view

        self.deterministic = deterministic
        self._policy: Any = model.policy
        self._recurrent, self.masked = view(model).recurrent, view(model).masked
        self._normalization = view(model).normalization
        inference = view(model).inference
        self._online = None if inference is None else OnlineInference(inference)
        self._states: tuple[Tensor, ...] | None = None

    def __call__(self, observation: Observation, action_masks: Masks | None = None) -> NDArray[Any]:
        """The actions (n, ...), within their bounds.

        Args:
            observation: of n environments.
            action_masks: (n, choices), of a policy that takes them; None: all choices are valid.

        Raises:
            ValueError: the policy remembers, and n is not that of the call before.
        """
        import torch

        policy, space = self._policy, self._policy.action_space
        if policy.training:
            policy.set_training_mode(False)
        if self._online is not None:
            observation = self._online.observe(observation)
        if self._normalization is not None:
            observation = self._normalization.normalize(observation)
        tensors, _ = policy.obs_to_tensor(observation)
        with torch.no_grad():
            output = self._choose(tensors, action_masks)
        actions: NDArray[Any] = output.cpu().numpy().reshape(-1, *(space.shape or ()))
        if isinstance(space, gym.spaces.Box):
            squashed = policy.squash_output
            actions = policy.unscale_action(actions) if squashed else np.clip(actions, space.low, space.high)
        if self._online is not None:
            self._online.act(actions)
        return np.asarray(actions)

    def _choose(self, tensors: Any, action_masks: Masks | None) -> Tensor:
        """The actions before they are scaled to their bounds."""
        if self._recurrent:
            return self._step(tensors)
        masks = (action_masks,) if self.masked else ()
        chosen: Tensor = self._policy._predict(tensors, self.deterministic, *masks)
        return chosen

    def reset(self) -> None:
        """Begin episodes: a policy that remembers forgets the ones before."""
        self._states = None
        if self._online is not None:
            self._online.reset()

    def _step(self, tensors: Any) -> Tensor:
        """A recurrent policy's actions at the next step of the episodes."""
        import torch

        policy, count = self._policy, len(next(iter(tensors.values())))
        layers, _, size = policy.lstm_hidden_state_shape
        if self._states is None:
            self._states = (torch.zeros(layers, count, size, device=policy.device),) * 2
        before = self._states[0].shape[1]
        if before != count:
            raise ValueError(f"found {count} observations after {before}; allowed: as many until reset()")
        actions: Tensor
        actions, self._states = policy._predict(
            tensors, lstm_states=self._states, episode_starts=torch.zeros(count, device=policy.device),
            deterministic=self.deterministic,
        )  # fmt: skip
        return actions


class WithOtherContexts:
    """A policy that observes other contexts than those that environments are in.

    Args:
        policy: the policy.
        change: the descriptors (n, D) that it observes in place of others.

    Attributes:
        masked: whether the policy takes action masks.
    """

    def __init__(self, policy: Policy, change: Callable[[NDArray[np.float32]], NDArray[np.float32]]) -> None:
        self._policy, self._change, self.masked = policy, change, is_masked(policy)

    def __call__(self, observation: Observation, *masks: Masks) -> NDArray[Any]:
        """The actions (n, ...)."""
        return self._policy({**observation, CONTEXT: self._change(observation[CONTEXT])}, *masks)

    def reset(self) -> None:
        """Begin episodes, as the policy does."""
        begin_episodes(self._policy)
