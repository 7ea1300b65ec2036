"""The contexts of replayed transitions, each of which is stored once."""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

FIRST_TASKS = 64
"""Contexts for which a table has room at first."""


class TaskTable:
    """The distinct contexts of the stored transitions, each once.

    Args:
        shape: Of a context.
        dtype: Of a context.
    """

    def __init__(self, shape: tuple[int, ...], dtype: Any) -> None:
        self.contexts: NDArray[Any] = np.zeros((FIRST_TASKS, *shape), dtype)
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

    def load(self, contexts: NDArray[Any]) -> None:
        """Holds these contexts, numbered in their order, with room for as many more."""
        self.contexts = contexts.astype(self.contexts.dtype)
        self.keep(np.arange(len(contexts), dtype=np.int32), max(FIRST_TASKS, 2 * len(contexts)))

    def keep(self, numbers: NDArray[np.int32], room: int) -> None:
        """Keeps these contexts alone, renumbered in their order, with room for so many in all."""
        contexts = self.contexts[numbers]
        self.contexts = np.zeros((room, *contexts.shape[1:]), contexts.dtype)
        self.contexts[: len(contexts)] = contexts
        self.count = len(contexts)
        self._number = {context.tobytes(): number for number, context in enumerate(contexts)}
        self._last = b"", np.zeros(0, np.int32)


class StoredContexts(ABC):
    """The contexts of one kind of observation, (position, environment, ...) to whoever reads or writes."""

    def __init__(self, table: TaskTable, numbers: NDArray[np.int32]) -> None:
        self.table, self.numbers = table, numbers

    @property
    def stored(self) -> NDArray[np.int32] | None:
        """The numbers of all transitions' tasks, (position, environment); None where none are stored."""
        return self.numbers

    @property
    def nbytes(self) -> int:
        """Bytes that are stored for each transition."""
        return 0 if self.stored is None else int(self.stored.nbytes)

    def __getitem__(self, rows: Any) -> NDArray[Any]:
        contexts: NDArray[Any] = self.table.contexts[self.numbers[rows[:2]]]
        return contexts

    def of(self, transitions: NDArray[np.intp]) -> NDArray[np.int32]:
        """The numbers of some transitions' tasks, these being numbered over all environments."""
        return self.numbers.reshape(-1).take(transitions)

    def __setitem__(self, position: int, contexts: NDArray[Any]) -> None:
        self.numbers[position] = self._numbered(contexts)

    def fill(self, rows: Any, context: NDArray[Any]) -> None:
        """Gives some transitions, (positions, environment), one context (1, ...)."""
        self.numbers[rows] = self._numbered(context)

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
        room = max(FIRST_TASKS, 2 * (len(used) + rows))
        self.table.keep(used, room)
        for each in holders:
            each.numbers[:] = np.searchsorted(used, each.numbers)

    @abstractmethod
    def _holders(self) -> "list[StoredContexts]":
        """All contexts that are numbers of the same table."""


class PresentContexts(StoredContexts):
    """The contexts of observations."""

    def __init__(self, table: TaskTable, numbers: NDArray[np.int32]) -> None:
        super().__init__(table, numbers)
        self.later = LaterContexts(self)

    def _holders(self) -> list[StoredContexts]:
        return [self, self.later] if self.later.own else [self]


class LaterContexts(StoredContexts):
    """The contexts of next observations: those of the observations themselves, until one differs."""

    def __init__(self, present: PresentContexts) -> None:
        super().__init__(present.table, present.numbers)
        self.present = present

    @property
    def own(self) -> bool:
        """Whether numbers of its own are stored."""
        return self.numbers is not self.present.numbers

    @property
    def stored(self) -> NDArray[np.int32] | None:
        """The numbers, where they are not those of the observations."""
        return self.numbers if self.own else None

    def __setitem__(self, position: int, contexts: NDArray[Any]) -> None:
        numbers = self._numbered(contexts)
        if not self.own:
            if np.array_equal(numbers, self.numbers[position]):
                return
            self.numbers = self.numbers.copy()
        self.numbers[position] = numbers

    def _holders(self) -> list[StoredContexts]:
        return self.present._holders()
