"""Contexts that are off by noise in training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hyperrl.tasks.context_errors import ContextErrors
from hyperrl.training.observed_context import Contexts, Indices


class ContextNoise:
    """Shifts the observed context by an error that is drawn for each episode (`ContextErrors.draw`).

    Args:
        num_envs: number of environments.
        errors: of the family.
        sizes: (features,), the sizes of the errors.
        seed: of the draws.

    Attributes:
        drawn: (num_envs, features), the errors of the current episodes.
    """

    def __init__(self, num_envs: int, errors: ContextErrors, sizes: NDArray[np.float64], seed: int) -> None:
        self._errors, self._sizes = errors, sizes
        self._random = np.random.default_rng(np.random.SeedSequence([seed, 2]))
        self.drawn = np.zeros((num_envs, errors.features))

    def draw(self, index: int) -> None:
        """Draw the error of an environment."""
        self.drawn[index] = self._errors.draw(self._sizes, self._random)

    def apply(self, contexts: Contexts, indices: Indices) -> Contexts:
        """The shifted contexts."""
        return self._errors.shift(contexts, self.drawn[indices])

    def get_state(self) -> dict[str, Any]:
        """The errors, and the generator."""
        return {"noise": self.drawn.copy(), "noise_rng": self._random.bit_generator.state}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Go on from a state of `get_state`."""
        self.drawn[:] = state["noise"]
        self._random.bit_generator.state = state["noise_rng"]
