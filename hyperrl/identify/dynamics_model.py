"""Predictions by a family's own batched dynamics."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from hyperrl.errors import UserError, user_syntax
from hyperrl.identify.transitions import REWARD, Transitions
from hyperrl.recipes import Context
from hyperrl.tasks import Family
from hyperrl.tasks.dynamics import Dynamics

_TINY = 1e-24
Floats = NDArray[np.float64]


def batched_dynamics(family: Family) -> Dynamics:
    """The batched dynamics of a family; UserError where it has none."""
    dynamics = family.dynamics()
    if dynamics is None:
        raise UserError(
            f"{user_syntax('model', '--model')}: found 'dynamics' for the family {family.name!r}, whose"
            " environments do not advance as arrays; allowed: 'learned'"
        )
    return dynamics


class DynamicsModel:
    """Restores the states that were observed and takes one step from each, under many contexts at once.

    Attributes: see `hyperrl.identify.likelihood.Predictor`.
    """

    step = 1e-6

    def __init__(self, family: Family, transitions: Transitions) -> None:
        """Take the transitions.

        Args:
            family: without an agent's wrappers and stacked frames.
            transitions: of one task.

        Raises:
            UserError: the family has no batched dynamics.
        """
        dynamics = batched_dynamics(family)
        self._family, self._dynamics = family, dynamics
        continuous = isinstance(dynamics.action_space, gym.spaces.Box)
        self._actions = transitions.actions.astype(np.float64 if continuous else np.int64)
        self._states = dynamics.restore(transitions.observations)
        part = dynamics.part
        before, after = transitions.observations[part], transitions.next_observations[part]
        self.columns: tuple[str, ...] = tuple(f"{part}.{entry}" for entry in range(after.shape[1]))
        self.observed, self.changes = after, after - before
        self._pays = transitions.rewards is not None
        if transitions.rewards is not None:
            rewards = transitions.rewards[:, None]
            self.columns = (*self.columns, REWARD)
            self.observed = np.concatenate([after, rewards], axis=1)
            self.changes = np.concatenate([self.changes, rewards], axis=1)
        rounding = 0.25 * np.finfo(np.float32).eps
        self.least = np.square(rounding) * np.mean(np.square(self.observed), axis=0) + _TINY

    def predict(self, contexts: Floats) -> Floats:
        """See `Predictor.predict`."""
        count, steps = len(contexts), len(self._states)
        features, names = self._family.space.features, self._family.space.names
        tasks = [
            self._family.carriers.constants(
                self._dynamics, Context(features, dict(zip(names, row, strict=True)))
            )
            for row in contexts.tolist()
        ]
        constants = {name: np.repeat([task[name] for task in tasks], steps) for name in tasks[0]}
        repeated = (count, *[1] * (self._actions.ndim - 1))
        after, rewards, _ = self._dynamics.step(
            np.tile(self._states, (count, 1)), np.tile(self._actions, repeated), constants
        )
        predicted = self._dynamics.measure(after)
        if self._pays:
            predicted = np.concatenate([predicted, rewards[:, None]], axis=1)
        return predicted.reshape(count, steps, -1)
