"""Policies that observe something else than environments tell: other contexts, shifted ones, or noise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hyperrl.evaluation.policy import Observation, Policy, WithOtherContexts, begin_episodes, is_masked
from hyperrl.masks import Masks
from hyperrl.tasks.observation_noise import ObservationNoise, hashed_uniform

Change = Callable[[NDArray[np.float32], NDArray[Any]], NDArray[np.float32]]
"""Makes other descriptors (n, D) of those that are observed, given a row for each."""


class WithNoise:
    """A policy that observes noise on top of what environments tell.

    The noise of a step depends on the episode's own seed and the number of the step alone.

    Args:
        policy: the policy.
        noise: what is added.
        seeds: of each environment's episode, (n,).

    Attributes:
        masked: whether the policy takes action masks.
    """

    def __init__(self, policy: Policy, noise: ObservationNoise, seeds: Sequence[int]) -> None:
        self._policy, self._noise, self.masked = policy, noise, is_masked(policy)
        self._seeds, self._step = np.array(seeds, np.uint64), 0

    def __call__(self, observation: Observation, *masks: Masks) -> NDArray[Any]:
        """The actions (n, ...)."""
        numbers = hashed_uniform(self._seeds, self._step, self._noise.entries)
        self._step += 1
        return self._policy(self._noise.add(observation, numbers), *masks)

    def reset(self) -> None:
        """Begin episodes, as the policy does."""
        self._step = 0
        begin_episodes(self._policy)


def with_changes(policy: Policy, changes: Sequence[tuple[Change, NDArray[Any]]], rows: slice) -> Policy:
    """A policy for some environments of many, that observes changed contexts.

    Args:
        policy: the policy.
        changes: one applied after the other, each with its data for all environments as first axis.
        rows: the environments that the policy plays.
    """
    for change, data in reversed(changes):
        policy = WithOtherContexts(policy, partial(_changed, change, data[rows]))
    return policy


def _changed(change: Change, rows: NDArray[Any], descriptors: NDArray[np.float32]) -> NDArray[np.float32]:
    """What a change makes of the descriptors that are observed."""
    return change(descriptors, rows)


def replaced(_: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float32]:
    """Descriptors in the place of those that are observed."""
    return others
