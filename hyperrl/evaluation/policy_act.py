"""What acts in an evaluation: a policy's actions for many environments at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm
    from torch import Tensor

Observation = dict[str, NDArray[Any]]
Act = Callable[[Observation], NDArray[Any]]
"""A policy: observations of n environments, each entry with n as first axis, to n actions.

One that remembers the episode has a method `reset`, which is called before the first step of episodes.
"""


class Memory:
    """What a recurrent policy remembers of the episodes that it plays, one each of n environments."""

    def __init__(self) -> None:
        self.states: tuple[Tensor, ...] | None = None

    def reset(self) -> None:
        """Forgets, as at the start of episodes."""
        self.states = None

    def step(self, policy: Any, seen: Any, deterministic: bool) -> Tensor:
        """The policy's actions at the next step; ValueError where there are not as many rows as before."""
        import torch

        rows = len(next(iter(seen.values())))
        layers, _, size = policy.lstm_hidden_state_shape
        if self.states is None:
            self.states = (torch.zeros(layers, rows, size, device=policy.device),) * 2
        before = self.states[0].shape[1]
        if before != rows:
            raise ValueError(f"found {rows} observations after {before}; allowed: as many until reset()")
        goes_on = torch.zeros(rows, device=policy.device)
        actions: Tensor
        actions, self.states = policy._predict(
            seen, lstm_states=self.states, episode_starts=goes_on, deterministic=deterministic
        )
        return actions


class PolicyAct:
    """The actions of a policy's `predict`, as `Act` has them.

    Args:
        policy: Stable-Baselines3's, in evaluation mode.
        deterministic: take the most likely actions rather than draw them.
        memory: of the episodes, where the policy is recurrent; else None.
    """

    def __init__(self, policy: Any, deterministic: bool, memory: Memory | None) -> None:
        self._policy, self._deterministic, self._memory = policy, deterministic, memory

    def __call__(self, observation: Observation) -> NDArray[Any]:
        """The actions (n, ...), within their bounds."""
        import torch

        policy, space = self._policy, self._policy.action_space
        tensors, _ = policy.obs_to_tensor(observation)
        with torch.no_grad():
            if self._memory is not None:
                drawn = self._memory.step(policy, tensors, self._deterministic)
            else:
                drawn = policy._predict(tensors, deterministic=self._deterministic)
        actions: NDArray[Any] = drawn.cpu().numpy().reshape(-1, *(space.shape or ()))
        if not isinstance(space, gym.spaces.Box):
            return actions
        if policy.squash_output:
            return np.asarray(policy.unscale_action(actions))
        return np.asarray(np.clip(actions, space.low, space.high))

    def reset(self) -> None:
        """Episodes begin: what came before is forgotten."""
        if self._memory is not None:
            self._memory.reset()


def act_of(model: BaseAlgorithm, deterministic: bool = True, memory: Memory | None = None) -> PolicyAct:
    """The policy of a Stable-Baselines3 model: the actions of its `predict`.

    The policy is put into evaluation mode now and not, as by `predict`, at each call, which would have a
    policy that generates its weights generate them at each step anew.

    Args:
        model: the algorithm.
        deterministic: take the most likely actions rather than draw them.
        memory: what a recurrent policy goes on from; None: nothing yet.
    """
    from hyperrl.policies.registry import view

    policy = model.policy
    if policy.training:
        policy.set_training_mode(False)
    return PolicyAct(policy, deterministic, (memory or Memory()) if view(model).recurrent else None)
