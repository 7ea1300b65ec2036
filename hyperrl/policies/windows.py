"""The last transitions of episodes, as the rows of numbers that an encoder sees."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from hyperrl.recipes import CONTEXT
from hyperrl.tasks.spaces import DESIRED

Array = NDArray[Any]
Floats = NDArray[np.float32]
Observation = Mapping[str, Array]


class TransitionRows:
    """Puts transitions into rows: the observation, the action, and by how much the observation changes.

    Args:
        observations: A family's space; its parts beside the context are boxes of floating-point numbers. A
            desired goal is left out: nothing that happens depends on it.
        actions: A Box with finite bounds, whose actions are scaled to [-1, 1], or a Discrete space, whose
            actions are a 1 among zeros.

    Attributes:
        observed: Size of an observation without its context and a desired goal.
        acted: Size of an action.
    """

    def __init__(self, observations: spaces.Dict, actions: spaces.Space[Any]) -> None:
        self._parts = [name for name in observations.spaces if name not in (CONTEXT, DESIRED)]
        self._actions = actions
        self.observed = sum(spaces.flatdim(observations[name]) for name in self._parts)
        self.acted = spaces.flatdim(actions)

    @property
    def columns(self) -> int:
        """Size of a row."""
        return 2 * self.observed + self.acted

    def observations(self, observation: Observation) -> Floats:
        """Observations (n, observed), their parts one after the other."""
        parts = [observation[name].reshape(len(observation[name]), -1) for name in self._parts]
        joined: Floats = np.concatenate(parts, axis=1).astype(np.float32)
        return joined

    def actions(self, actions: Array) -> Floats:
        """Actions (n, acted), given those that an environment takes (n, ...)."""
        if isinstance(self._actions, spaces.Box):
            low, high = self._actions.low, self._actions.high
            actions = 2.0 * ((actions - low) / (high - low)) - 1.0
        return self.stored_actions(actions)

    def stored_actions(self, actions: Array) -> Floats:
        """The same, given those that replay stores: scaled already."""
        if isinstance(self._actions, spaces.Discrete):
            return np.eye(self.acted, dtype=np.float32)[actions.reshape(-1).astype(np.int64)]
        return actions.reshape(len(actions), -1).astype(np.float32)

    @staticmethod
    def join(before: Floats, actions: Floats, after: Floats) -> Floats:
        """Rows (n, columns) of observations, actions, and the observations that follow."""
        return np.concatenate([before, actions, after - before], axis=1)


class Windows:
    """The last transitions of each of several environments, the oldest first.

    Args:
        count: Number of environments.
        window: The most transitions of each.
        columns: Size of a transition.

    Attributes:
        rows: (count, window, columns + 1); the last entry of a row is 1 where it holds a transition.
    """

    def __init__(self, count: int, window: int, columns: int) -> None:
        self.rows: Floats = np.zeros((count, window, columns + 1), np.float32)

    def add(self, transitions: Floats) -> None:
        """Takes a transition (count, columns) of each environment in; the oldest one leaves."""
        self.rows[:, :-1] = self.rows[:, 1:]
        self.rows[:, -1, :-1] = transitions
        self.rows[:, -1, -1] = 1.0

    def clear(self, indices: Array) -> None:
        """Forgets the transitions of some environments, whose episodes begin."""
        self.rows[indices] = 0.0
