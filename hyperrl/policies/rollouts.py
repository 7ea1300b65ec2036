"""A rollout buffer that knows which steps are of the same task."""

from collections.abc import Generator, Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.buffers import DictRolloutBuffer
from stable_baselines3.common.type_aliases import DictRolloutBufferSamples
from torch import Tensor

from hyperrl.nets import Rows
from hyperrl.policies.task_rows import TaskRows, can_know_tasks
from hyperrl.recipes import CONTEXT
from hyperrl.tasks.contexts import ValueReader

_AT_ONCE = 2**18
"""Entries up to which a part of all observations is put into the order of an epoch in one step."""


class TaskRolloutBuffer(DictRolloutBuffer):
    """Stable-Baselines3's buffer of dictionaries; its minibatches say which rows are of the same task.

    The minibatches are the same, their rows in the same order. Steps become tensors once for each rollout,
    not once for each minibatch.

    Args:
        arguments: Those of ``DictRolloutBuffer``; the observations satisfy
            :func:`~hyperrl.policies.task_rows.can_know_tasks`.

    Raises:
        ValueError: Observations without a context that is one vector of numbers.
    """

    minibatch: ClassVar[Any] = DictRolloutBufferSamples
    """The class of a minibatch."""
    vectors: ClassVar[Mapping[str, str]] = {"actions": "actions"}
    """Parts of a rollout with several numbers in a step, and their names in a minibatch."""
    numbers: ClassVar[Mapping[str, str]] = {
        "values": "old_values",
        "log_probs": "old_log_prob",
        "advantages": "advantages",
        "returns": "returns",
    }
    """Likewise those with one number in a step."""
    discount: ValueReader | None = None
    """Reads each task's discount factor from its context; None: all have that of the algorithm."""
    _steps: dict[str, Tensor]
    _tasks: Tensor

    def __init__(self, buffer_size: int, observation_space: spaces.Dict, *arguments: Any, **options: Any):
        if not can_know_tasks(observation_space):
            raise ValueError(
                f"TaskRolloutBuffer: found {observation_space}; allowed: with a 'context', a float32 vector"
            )
        super().__init__(buffer_size, observation_space, *arguments, **options)

    def compute_returns_and_advantage(self, last_values: Tensor, dones: NDArray[Any]) -> None:
        """Compute advantages and returns of the rollout.

        Schulman et al., "High-Dimensional Continuous Control Using Generalized Advantage Estimation", ICLR
        2016, eq. 16, with a discount factor for each step.

        Args:
            last_values: (environment, 1), of what is observed after the last step.
            dones: (environment,), whether an episode ended with that step.
        """
        if self.discount is None:
            super().compute_returns_and_advantage(last_values, dones)
            return
        last = last_values.detach().cpu().numpy().reshape(1, -1)
        later = np.concatenate([self.values[1:], last])
        goes_on = 1.0 - np.concatenate([self.episode_starts[1:], np.asarray(dones, np.float32)[None]])
        decay = self.discount(self.observations[CONTEXT]).astype(np.float32) * goes_on
        advantage = np.zeros(self.n_envs, np.float32)
        for step in reversed(range(self.buffer_size)):
            delta = self.rewards[step] + decay[step] * later[step] - self.values[step]
            advantage = delta + decay[step] * self.gae_lambda * advantage
            self.advantages[step] = advantage
        self.returns = self.advantages + self.values

    def get(self, batch_size: int | None = None) -> Generator[Any, None, None]:
        """The steps of the rollout in a new order, in minibatches.

        Args:
            batch_size: Rows of a minibatch; the last one may have fewer. None: all steps at once.
        """
        assert self.full, "the rollout has not ended"
        if not self.generator_ready:
            self._make_tensors()
            self.generator_ready = True
        rows = self.buffer_size * self.n_envs
        order = torch.from_numpy(np.random.permutation(rows)).to(self.device)
        tasks = Rows.of(self._steps["task"].index_select(0, order), len(self._tasks))
        parts = {name: part for name, part in self._steps.items() if name != "task"}
        small = {name for name, part in parts.items() if part.numel() <= max(_AT_ONCE, rows)}
        ordered = {name: parts[name].index_select(0, order) for name in small}
        for start in range(0, rows, batch_size or rows):
            own = slice(start, start + (batch_size or rows))
            steps = {
                name: ordered[name][own] if name in small else part.index_select(0, order[own])
                for name, part in parts.items()
            }
            observations = {name: steps.pop(f"obs/{name}") for name in self.observations}
            yield self.minibatch(TaskRows(observations, self._tasks, tasks[own]), **steps)

    def _make_tensors(self) -> None:
        """All steps as tensors, (row, ...), those of one environment after those of another."""
        steps: dict[str, NDArray[Any]] = {}
        for name, part in self.observations.items():
            self.observations[name] = steps[f"obs/{name}"] = self.swap_and_flatten(part)
        for name, sample in {**self.vectors, **self.numbers}.items():
            flat = self.swap_and_flatten(getattr(self, name))
            setattr(self, name, flat)
            steps[sample] = flat.flatten() if name in self.numbers else flat.astype(np.float32, copy=False)
        tasks, steps["task"] = distinct(self.observations[CONTEXT])
        self._steps = {name: self.to_torch(part, copy=False) for name, part in steps.items()}
        self._tasks = self.to_torch(tasks)


def distinct(contexts: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """The different contexts, (task, descriptor), and the number of each row's; equal is equal bit for bit.

    Args:
        contexts: (row, descriptor); missing features are NaN.
    """
    contexts = np.ascontiguousarray(contexts)
    as_bytes = contexts.view(f"V{contexts.itemsize * contexts.shape[1]}").ravel()
    _, first, number = np.unique(as_bytes, return_index=True, return_inverse=True)
    return contexts[first], number
