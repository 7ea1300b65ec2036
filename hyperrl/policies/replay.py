"""A replay buffer that stores each context once."""

from abc import ABC, abstractmethod
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
from hyperrl.policies.task_rows import TaskRows, can_know_tasks
from hyperrl.recipes import CONTEXT

_FIRST_TASKS = 64


class TaskTable:
    """The distinct contexts of the stored transitions, each once.

    Args:
        shape: Of a context.
        dtype: Of a context.
    """

    def __init__(self, shape: tuple[int, ...], dtype: Any) -> None:
        self.contexts: NDArray[Any] = np.zeros((_FIRST_TASKS, *shape), dtype)
        self.count = 0
        self._number: dict[bytes, int] = {}
        self._last: tuple[bytes, NDArray[np.int32]] = b"", np.zeros(0, np.int32)

    @property
    def full(self) -> bool:
        """Whether the next new context needs more room."""
        return self.count == len(self.contexts)

    def number(self, contexts: NDArray[Any]) -> NDArray[np.int32] | None:
        """The number of each row's context, (row,); None where there is no room for a new one."""
        contexts = np.ascontiguousarray(contexts, self.contexts.dtype).reshape(-1, *self.contexts.shape[1:])
        if contexts.tobytes() == self._last[0]:
            return self._last[1]
        numbers = np.zeros(len(contexts), np.int32)
        for row, context in enumerate(contexts):
            key = context.tobytes()
            if key not in self._number:
                if self.full:
                    return None
                self.contexts[self.count] = context
                self._number[key] = self.count
                self.count += 1
            numbers[row] = self._number[key]
        self._last = contexts.tobytes(), numbers
        return numbers

    def keep(self, numbers: NDArray[np.int32], room: int) -> None:
        """Keeps these contexts alone, renumbered in their order, with room for so many in all."""
        contexts = self.contexts[numbers]
        self.contexts = np.zeros((room, *contexts.shape[1:]), contexts.dtype)
        self.contexts[: len(contexts)] = contexts
        self.count = len(contexts)
        self._number = {context.tobytes(): number for number, context in enumerate(contexts)}
        self._last = b"", np.zeros(0, np.int32)


class _Contexts(ABC):
    """The contexts of one kind of observation, (position, environment, ...) to whoever reads or writes."""

    def __init__(self, table: TaskTable, numbers: NDArray[np.int32]) -> None:
        self.table, self.numbers = table, numbers

    @property
    def nbytes(self) -> int:
        """Bytes that are stored for each transition."""
        return int(self.numbers.nbytes)

    def __getitem__(self, rows: Any) -> NDArray[Any]:
        contexts: NDArray[Any] = self.table.contexts[self.numbers[rows[:2]]]
        return contexts

    def of(self, transitions: NDArray[np.intp]) -> NDArray[np.int32]:
        """The numbers of some transitions' tasks, these being numbered over all environments."""
        return self.numbers.reshape(-1).take(transitions)

    def __setitem__(self, position: int, contexts: NDArray[Any]) -> None:
        self.numbers[position] = self._numbered(contexts)

    def _numbered(self, contexts: NDArray[Any]) -> NDArray[np.int32]:
        numbers = self.table.number(contexts)
        if numbers is None:
            self._make_room(len(contexts))
            numbers = self.table.number(contexts)
        assert numbers is not None
        return numbers

    def _make_room(self, rows: int) -> None:
        """Forgets the contexts of overwritten transitions; twice the room where that leaves it half full."""
        holders = self._holders()
        used = np.unique(np.concatenate([np.unique(each.numbers) for each in holders]))
        room = max(_FIRST_TASKS, 2 * (len(used) + rows))
        self.table.keep(used, room)
        for each in holders:
            each.numbers[:] = np.searchsorted(used, each.numbers)

    @abstractmethod
    def _holders(self) -> "list[_Contexts]":
        """All contexts that are numbers of the same table."""


class _Present(_Contexts):
    """The contexts of observations."""

    def __init__(self, table: TaskTable, numbers: NDArray[np.int32]) -> None:
        super().__init__(table, numbers)
        self.later = _Later(self)

    def _holders(self) -> list[_Contexts]:
        return [self, self.later] if self.later.own else [self]


class _Later(_Contexts):
    """The contexts of next observations: those of the observations themselves, until one differs."""

    def __init__(self, present: _Present) -> None:
        super().__init__(present.table, present.numbers)
        self.present = present

    @property
    def own(self) -> bool:
        """Whether numbers of its own are stored."""
        return self.numbers is not self.present.numbers

    @property
    def nbytes(self) -> int:
        """Bytes that are stored for each transition, beyond those of the observations."""
        return int(self.numbers.nbytes) if self.own else 0

    def __setitem__(self, position: int, contexts: NDArray[Any]) -> None:
        numbers = self._numbered(contexts)
        if not self.own:
            if np.array_equal(numbers, self.numbers[position]):
                return
            self.numbers = self.numbers.copy()
        self.numbers[position] = numbers

    def _holders(self) -> list[_Contexts]:
        return self.present._holders()


class ContextReplayBuffer(DictReplayBuffer):
    """Stable-Baselines3's buffer of dictionaries, but each task's context is stored once.

    A transition takes what it takes without a context, and the number of its task, 4 bytes, which its
    observation and the next one share. Where the two have different contexts, which no environment of a
    family gives, a second number is stored from then on. What is sampled is the same, bit for bit. Where a
    context is one vector, observations also say which rows are of the same task.

    Args:
        arguments: Those of ``DictReplayBuffer``; the observations have a ``"context"``.

    Raises:
        ValueError: Observations without a context.
    """

    def __init__(self, buffer_size: int, observation_space: spaces.Dict, *arguments: Any, **options: Any):
        if not has_context(observation_space):
            raise ValueError(f"ContextReplayBuffer: found {observation_space}; allowed: with a 'context'")
        super().__init__(buffer_size, observation_space, *arguments, **options)
        stored: Any = self.observations[CONTEXT]
        self.tasks = TaskTable(stored.shape[2:], stored.dtype)
        present = _Present(self.tasks, np.zeros(stored.shape[:2], np.int32))
        self.observations[CONTEXT], self.next_observations[CONTEXT] = present, present.later  # type: ignore[assignment]
        self._knows_tasks = can_know_tasks(observation_space)

    @property
    def nbytes(self) -> int:
        """Bytes of all that is stored for each transition, over the whole buffer; contexts are not."""
        parts = [*self.observations.values(), *self.next_observations.values()]
        return sum(part.nbytes for part in (*parts, self.actions, self.rewards, self.dones, self.timeouts))

    def _get_samples(self, batch_inds: NDArray[Any], env: VecNormalize | None = None) -> Samples:  # type: ignore[override]
        if env is not None or not self._knows_tasks:
            return super()._get_samples(batch_inds, env)
        rows = batch_inds * self.n_envs + np.random.randint(0, high=self.n_envs, size=len(batch_inds))
        done, timeout = self.dones.reshape(-1).take(rows), self.timeouts.reshape(-1).take(rows)
        now: Any = self.observations[CONTEXT]
        later: Any = self.next_observations[CONTEXT]
        tasks = self._tasks_of(now.of(rows))
        later_tasks = self._tasks_of(later.of(rows)) if later.own else (tasks[0].clone(), *tasks[1:])
        return Samples(
            observations=self._observations(self.observations, rows, tasks),
            actions=self.to_torch(_rows(self.actions, rows)),
            next_observations=self._observations(self.next_observations, rows, later_tasks),
            dones=self.to_torch(done * (1 - timeout)).reshape(-1, 1),
            rewards=self.to_torch(self.rewards.reshape(-1).take(rows)).reshape(-1, 1),
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
        self, parts: Mapping[str, Any], rows: NDArray[Any], tasks: tuple[Any, Any, Rows]
    ) -> TaskRows:
        contexts, distinct, of_rows = tasks
        observations = {
            name: contexts if name == CONTEXT else self.to_torch(_rows(part, rows))
            for name, part in parts.items()
        }
        return TaskRows(observations, distinct, of_rows)

    def to_torch(self, array: NDArray[Any], copy: bool = False) -> torch.Tensor:
        """A tensor of what was sampled, which is a copy already."""
        return super().to_torch(array, copy)


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
        state["tasks"] = buffer.tasks.contexts[: buffer.tasks.count].copy()
    return state


def set_state(buffer: Any, state: Mapping[str, Any]) -> None:
    """Brings a fresh buffer to what :func:`get_state` gave.

    Raises:
        ValueError: A state of other sizes.
        KeyError: A state of a buffer of another kind.
    """
    if isinstance(buffer, ContextReplayBuffer):
        tasks: NDArray[Any] = state["tasks"]
        buffer.tasks.contexts = tasks.astype(buffer.tasks.contexts.dtype)
        buffer.tasks.keep(np.arange(len(tasks), dtype=np.int32), max(_FIRST_TASKS, 2 * len(tasks)))
        later: Any = buffer.next_observations[CONTEXT]
        if f"next/{CONTEXT}" in state:
            later.numbers = later.numbers.copy()
    for name, array in _arrays(buffer).items():
        array[: len(state[name])] = state[name]
    buffer.pos, buffer.full = int(state["pos"]), bool(state["full"])


def _arrays(buffer: Any) -> dict[str, NDArray[Any]]:
    """The arrays of a buffer by name, (position, environment, ...)."""
    parts_by_name: dict[str, Any] = {
        name: getattr(buffer, name) for name in ("actions", "rewards", "dones", "timeouts")
    }
    for prefix, parts in (("obs", buffer.observations), ("next", buffer.next_observations)):
        parts_by_name |= {f"{prefix}/{name}": part for name, part in parts.items()}
    return {
        name: part.numbers if isinstance(part, _Contexts) else part
        for name, part in parts_by_name.items()
        if not (isinstance(part, _Later) and not part.own)
    }
