"""Observations that are off by noise in training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hyperrl.tasks.observation_noise import ObservationNoise


class TrainingNoise:
    """Adds noise to the observations of training environments, drawn anew for each step and each entry.

    Args:
        noise: what is added.
        seed: of the draws.
    """

    def __init__(self, noise: ObservationNoise, seed: int) -> None:
        self._noise = noise
        self._random = np.random.default_rng(np.random.SeedSequence([seed, 3]))

    def add(self, observation: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Observations (n, ...) with noise, as new arrays."""
        rows = len(next(iter(observation.values())))
        return self._noise.add(observation, self._random.uniform(-1.0, 1.0, (rows, self._noise.entries)))

    def get_state(self) -> dict[str, Any]:
        """The generator."""
        return {"observation_noise_rng": self._random.bit_generator.state}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Go on from a state of `get_state`."""
        self._random.bit_generator.state = state["observation_noise_rng"]
