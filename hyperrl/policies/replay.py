"""A replay buffer that stores each context once."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.buffers import DictReplayBuffer
from stable_baselines3.common.type_aliases import DictReplayBufferSamples as Samples
from stable_baselines3.common.vec_env import VecNormalize

from hyperrl.nets import Rows
from hyperrl.policies.extractors import has_context
from hyperrl.policies.n_step import (
    NStepReturns,
    OneStepReturns,
    Returns,
    ReturnsPerTask,
    end_returns,
    returns_of,
)
from hyperrl.policies.task_rows import TaskRows, can_know_tasks
from hyperrl.policies.task_table import PresentContexts, StoredContexts, TaskTable
from hyperrl.recipes import CONTEXT
from hyperrl.tasks.contexts import ValueReader


class ContextReplayBuffer(DictReplayBuffer):
    """Stable-Baselines3's buffer of dictionaries, but each task's context is stored once.

    A transition takes what it takes without a context, and the number of its task, 4 bytes, which its
    observation and the next one share. Where the two have different contexts, as tasks do that change within
    an episode, a second number is stored from then on. What is sampled is the same, bit for bit. Where a
    context is one vector, observations also say which rows are of the same task; normalized ones too
    (``VecNormalize``), unless contexts are normalized.

    Args:
        arguments: Those of ``DictReplayBuffer``; the observations have a ``"context"``.
        n_steps: Steps of n-step returns: the rewards that are summed before a target bootstraps.
        gamma: The algorithm's discount factor; needed where ``n_steps`` is more than 1.

    Raises:
        ValueError: Observations without a context, or ``n_steps`` without ``gamma``.
    """

    def __init__(
        self,
        buffer_size: int,
        observation_space: spaces.Dict,
        *arguments: Any,
        n_steps: int = 1,
        gamma: float | None = None,
        **options: Any,
    ) -> None:
        if not has_context(observation_space):
            raise ValueError(f"ContextReplayBuffer: found {observation_space}; allowed: with a 'context'")
        super().__init__(buffer_size, observation_space, *arguments, **options)
        stored: Any = self.observations[CONTEXT]
        self.tasks = TaskTable(stored.shape[2:], stored.dtype)
        present = PresentContexts(self.tasks, np.zeros(stored.shape[:2], np.int32))
        self.observations[CONTEXT], self.next_observations[CONTEXT] = present, present.later  # type: ignore[assignment]
        self._knows_tasks = can_know_tasks(observation_space)
        self._returns: OneStepReturns | NStepReturns = returns_of(n_steps, gamma)

    @property
    def nbytes(self) -> int:
        """Bytes of all that is stored for each transition, over the whole buffer; contexts are not."""
        parts = [*self.observations.values(), *self.next_observations.values()]
        return sum(part.nbytes for part in (*parts, self.actions, self.rewards, self.dones, self.timeouts))

    def _get_samples(self, batch_inds: NDArray[Any], env: VecNormalize | None = None) -> Samples:  # type: ignore[override]
        rows = batch_inds * self.n_envs + np.random.randint(0, high=self.n_envs, size=len(batch_inds))
        return self._samples(rows, self._returns(self, rows, env), env)

    def _samples(self, rows: NDArray[np.intp], returns: Returns, env: VecNormalize | None) -> Samples:
        """A minibatch.

        Args:
            rows: The numbers of its transitions, counted over all environments.
            returns: Of these.
            env: Normalizes observations.
        """
        last, rewards, dones, discounts = returns
        now: Any = self.observations[CONTEXT]
        later: Any = self.next_observations[CONTEXT]
        if self._knows_tasks and not normalizes_contexts(env):
            tasks = self._tasks_of(now.of(rows))
            later_tasks = self._tasks_of(later.of(last)) if later.own else (tasks[0].clone(), *tasks[1:])
            observations: Any = self._observations(self.observations, rows, tasks, env)
            next_observations: Any = self._observations(self.next_observations, last, later_tasks, env)
        else:
            observations = self._normalized(self.observations, rows, env)
            next_observations = self._normalized(self.next_observations, last, env)
        return Samples(
            observations=observations,
            actions=self.to_torch(_rows(self.actions, rows)),
            next_observations=next_observations,
            dones=dones,
            rewards=rewards,
            discounts=discounts,
        )

    def _tasks_of(self, numbers: NDArray[np.int32]) -> tuple[torch.Tensor, torch.Tensor, Rows]:
        """The contexts of rows, given the numbers of their tasks: each row's, and each task's once."""
        table, count = self.tasks.contexts, self.tasks.count
        contexts, index = table[:count].copy(), numbers.astype(np.int64)
        if 2 * count > len(numbers):
            used, index = np.unique(numbers, return_inverse=True)
            contexts = table[used]
        rows = Rows.of(self.to_torch(index), len(contexts))
        return self.to_torch(table.take(numbers, axis=0)), self.to_torch(contexts), rows

    def _observations(
        self,
        parts: Mapping[str, Any],
        rows: NDArray[Any],
        tasks: tuple[Any, Any, Rows],
        env: VecNormalize | None,
    ) -> TaskRows:
        contexts, distinct, of_rows = tasks
        sampled: Any = {name: _rows(part, rows) for name, part in parts.items() if name != CONTEXT}
        sampled = self._normalize_obs(sampled, env)
        observations = {name: contexts if name == CONTEXT else self.to_torch(sampled[name]) for name in parts}
        return TaskRows(observations, distinct, of_rows)

    def _normalized(
        self, parts: Mapping[str, Any], rows: NDArray[Any], env: VecNormalize | None
    ) -> dict[str, torch.Tensor]:
        raw = {
            name: part[np.divmod(rows, self.n_envs)] if name == CONTEXT else _rows(part, rows)
            for name, part in parts.items()
        }
        normalized: Any = self._normalize_obs(raw, env)
        return {name: self.to_torch(part) for name, part in normalized.items()}

    def contexts_of(self, rows: NDArray[np.intp]) -> NDArray[Any]:
        """The contexts (row, ...) of some transitions, numbered over all environments."""
        present: Any = self.observations[CONTEXT]
        contexts: NDArray[Any] = self.tasks.contexts.take(present.of(rows), axis=0)
        return contexts

    def discount_by(self, reader: ValueReader) -> None:
        """Discounts each task by a factor that is read from its context."""
        self._returns = ReturnsPerTask(self._returns.n_steps, reader)

    def end_episodes(self) -> None:
        """Ends what is stored of unfinished episodes, whose environments were reset."""
        end_returns(self)

    def extra_state(self, used: int) -> dict[str, Any]:
        """What a checkpoint holds beside the arrays of Stable-Baselines3's buffers.

        Args:
            used: Positions that hold transitions.
        """
        return {"tasks": self.tasks.contexts[: self.tasks.count].copy()}

    def load_extra_state(self, state: Mapping[str, Any]) -> None:
        """Restores what :meth:`extra_state` returned, before the arrays are restored."""
        self.tasks.load(state["tasks"])

    def to_torch(self, array: NDArray[Any], copy: bool = False) -> torch.Tensor:
        """A tensor of what was sampled, which is a copy already."""
        return super().to_torch(array, copy)


def normalizes_contexts(env: VecNormalize | None) -> bool:
    """Whether contexts are sampled otherwise than they are stored."""
    return env is not None and env.norm_obs and CONTEXT in (env.norm_obs_keys or ())


def _rows(array: NDArray[Any], transitions: NDArray[np.intp]) -> NDArray[Any]:
    """Some transitions of an array (position, environment, ...), numbered over all environments."""
    return array.reshape(-1, *array.shape[2:]).take(transitions, axis=0)


def get_state(buffer: Any) -> dict[str, Any]:
    """What a replay buffer of dictionaries holds, as arrays and numbers; the unused end is left out."""
    used = buffer.buffer_size if buffer.full else buffer.pos
    state: dict[str, Any] = {"pos": buffer.pos, "full": buffer.full}
    for name, array in _arrays(buffer).items():
        state[name] = array[:used].copy()
    if isinstance(buffer, ContextReplayBuffer):
        state |= buffer.extra_state(used)
    return state


def set_state(buffer: Any, state: Mapping[str, Any]) -> None:
    """Brings a fresh buffer to what :func:`get_state` gave.

    Raises:
        ValueError: A state of other sizes.
        KeyError: A state of a buffer of another kind.
    """
    if isinstance(buffer, ContextReplayBuffer):
        buffer.load_extra_state(state)
        later: Any = buffer.next_observations[CONTEXT]
        if f"next/{CONTEXT}" in state:
            later.numbers = later.numbers.copy()
    for name, array in _arrays(buffer).items():
        array[: len(state[name])] = state[name]
    buffer.pos, buffer.full = int(state["pos"]), bool(state["full"])


def end_episodes(buffer: Any) -> None:
    """Ends what a replay buffer holds of unfinished episodes, whose environments were reset."""
    if isinstance(buffer, ContextReplayBuffer):
        buffer.end_episodes()
    else:
        end_returns(buffer)


def _arrays(buffer: Any) -> dict[str, NDArray[Any]]:
    """The arrays of a buffer by name, (position, environment, ...)."""
    parts_by_name: dict[str, Any] = {
        name: getattr(buffer, name) for name in ("actions", "rewards", "dones", "timeouts")
    }
    for prefix, parts in (("obs", buffer.observations), ("next", buffer.next_observations)):
        parts_by_name |= {f"{prefix}/{name}": part for name, part in parts.items()}
    stored = {
        name: part.stored if isinstance(part, StoredContexts) else part
        for name, part in parts_by_name.items()
    }
    return {name: array for name, array in stored.items() if array is not None}
