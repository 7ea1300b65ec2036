"""Replay for agents with an index: each update draws which networks learn from which transitions."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.type_aliases import DictReplayBufferSamples as Samples
from stable_baselines3.common.vec_env import VecNormalize
from torch import Tensor

from hyperrl.index_config import IndexConfig
from hyperrl.nets import Rows
from hyperrl.nets.fused import ONE_EACH
from hyperrl.policies.noise import hashed_normals, indices_of
from hyperrl.policies.replay import ContextReplayBuffer
from hyperrl.policies.task_rows import TaskRows, known_tasks
from hyperrl.recipes import CONTEXT

_SEEDS = 2**31


class IndexReplayBuffer(ContextReplayBuffer):
    """A replay buffer that puts an index behind the contexts of what it hands out.

    Indices are drawn anew for each minibatch. The observation and the next one have the same index z, so that
    its network learns from its own target: r + gamma max_a' Q(s', a'; z). To the reward of transition i comes
    sigma z . xi_i, where xi_i is drawn once for each transition: a random direction, or normal numbers where
    indices are members. So each index learns from rewards of its own, as if by a bootstrap. This is the
    objective of HyperDQN (Li et al., "HyperDQN: A Randomized Exploration Method for Deep Reinforcement
    Learning", ICLR 2022); HyperAgent (Li et al., 2024) perturbs targets in the same way.

    Args:
        arguments: Those of ``ContextReplayBuffer``.
        index: How the agent learns by its index.
        index_dim: Size of an index.
    """

    def __init__(
        self,
        buffer_size: int,
        observation_space: spaces.Dict,
        *arguments: Any,
        index: IndexConfig,
        index_dim: int,
        **options: Any,
    ) -> None:
        super().__init__(buffer_size, observation_space, *arguments, **options)
        self.index, self.index_dim = index, index_dim
        self._members = index.kind == "members"
        self._every = self._members and index.samples is None
        self._samples_each = index_dim if self._every else index.samples or 1
        self._seed = int(np.random.randint(_SEEDS))

    def _get_samples(self, batch_inds: NDArray[Any], env: VecNormalize | None = None) -> Samples:  # type: ignore[override]
        drawn = batch_inds * self.n_envs + np.random.randint(0, high=self.n_envs, size=len(batch_inds))
        rows = drawn.repeat(self._samples_each)
        samples = self._samples(rows, self._returns(self, rows, env), env)
        indices = self._indices(len(drawn))
        rewards = samples.rewards
        if self.index.target_noise:
            rewards = rewards + self.index.target_noise * self._perturbations(rows, indices)
        return samples._replace(
            observations=self._indexed(samples.observations, indices),
            next_observations=self._indexed(samples.next_observations, indices),
            rewards=rewards,
        )

    def _indices(self, transitions: int) -> Tensor:
        """The index of each row, (row, index)."""
        if self._every:
            return torch.eye(self.index_dim, device=self.device).repeat(transitions, 1)
        normal = np.random.standard_normal((transitions * self._samples_each, self.index_dim))
        return indices_of(self.index.kind, self.to_torch(normal.astype(np.float32)))

    def _perturbations(self, rows: NDArray[np.intp], indices: Tensor) -> Tensor:
        """What rows add to their rewards, of standard deviation 1 over indices, (row, 1)."""
        keys = torch.as_tensor(rows, device=self.device) + self._seed * _SEEDS
        directions = hashed_normals(keys, self.index_dim)
        if not self._members:
            directions = torch.nn.functional.normalize(directions, dim=1)
        return (directions * indices).sum(dim=1, keepdim=True)

    def _indexed(self, observations: Any, indices: Tensor) -> dict[str, Any]:
        """Observations whose contexts have an index behind them."""
        contexts = torch.cat([observations[CONTEXT], indices], dim=1)
        known, indexed = known_tasks(observations), {**observations, CONTEXT: contexts}
        if known is None:
            return indexed
        if not self._every:
            return TaskRows(indexed, contexts, ONE_EACH)
        count, members = len(known.tasks), torch.eye(self.index_dim, device=self.device)
        task = torch.arange(len(contexts)) if known.rows.index is None else known.rows.index
        index = task * self.index_dim + indices.argmax(dim=1)
        tasks = torch.cat([known.tasks.repeat_interleave(self.index_dim, 0), members.repeat(count, 1)], dim=1)
        return TaskRows(indexed, tasks, Rows.of(index, len(tasks)))

    def extra_state(self, used: int) -> dict[str, Any]:
        """See :meth:`ContextReplayBuffer.extra_state`; what the transitions' directions are drawn from."""
        return super().extra_state(used) | {"index_seed": self._seed}

    def load_extra_state(self, state: Mapping[str, Any]) -> None:
        """Restores what :meth:`extra_state` returned."""
        super().load_extra_state(state)
        self._seed = int(state["index_seed"])
