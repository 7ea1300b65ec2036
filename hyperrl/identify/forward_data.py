"""Transitions as the rows of numbers that a forward model takes and gives."""

from __future__ import annotations

import math
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from hyperrl.errors import UserError
from hyperrl.identify.transitions import REWARD, Transitions, base_parts
from hyperrl.tasks import Family
from hyperrl.tasks.spaces import choices_of

Floats = NDArray[np.float64]
_MOST = 1000
"""Numbers of an observation that a forward model takes at most."""


class ForwardData:
    """How a family's transitions become rows: choices one-hot, numbers as they are.

    Attributes:
        columns: names of what is predicted: the change of each number of the observation, and the reward.
        width: numbers in an input, of the observation and of the action.
    """

    def __init__(self, family: Family) -> None:
        """Take a family, as its base environment is; UserError where observations are images and the like."""
        self._parts, self._action = base_parts(family), family.action_space
        boxes = {
            key: math.prod(part.shape or ())
            for key, part in self._parts.items()
            if isinstance(part, gym.spaces.Box)
        }
        if not boxes or sum(boxes.values()) > _MOST:
            found = f"{sum(boxes.values()):,} numbers" if boxes else "no numbers"
            raise UserError(
                f"family {family.name!r}: found {found} in an observation; allowed with the model 'learned':"
                f" 1 to {_MOST:,}"
            )
        self._boxes = tuple(boxes)
        self.columns = (*(f"{key}.{entry}" for key, size in boxes.items() for entry in range(size)), REWARD)
        self.width = sum(_width(space) for space in (*self._parts.values(), self._action))

    def inputs(self, transitions: Transitions) -> Floats:
        """Observations and actions, (T, width)."""
        parts = [_rows(transitions.observations[key], space) for key, space in self._parts.items()]
        return np.concatenate([*parts, _rows(transitions.actions, self._action)], axis=1)

    def outputs(self, transitions: Transitions) -> Floats:
        """Changes of the observation's numbers, and the rewards (NaN where there are none), (T, columns)."""
        count = len(transitions)
        changes = [
            (transitions.next_observations[key] - transitions.observations[key]).reshape(count, -1)
            for key in self._boxes
        ]
        rewards = np.full(count, np.nan) if transitions.rewards is None else transitions.rewards
        return np.concatenate([*changes, rewards[:, None]], axis=1)


def _width(space: gym.Space[Any]) -> int:
    return sum(choices_of(space)) or math.prod(space.shape or ())


def _rows(values: NDArray[Any], space: gym.Space[Any]) -> Floats:
    """Numbers of a part, (T, numbers); choices counted from 0 are one-hot."""
    sizes = choices_of(space)
    flat = values.reshape(len(values), -1)
    if not sizes:
        return flat.astype(np.float64)
    return np.concatenate([np.eye(size)[flat[:, place]] for place, size in enumerate(sizes)], axis=1)
