"""Features of the context that are hidden at random in training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hyperrl.training.observed_context import Contexts, Indices


class ContextDropout:
    """Hides features of the observed context at random, each for a whole episode: they are NaN.

    Args:
        num_envs: number of environments.
        owners: for each entry of a context, the number of its feature. A feature's entries go together.
        probability: of hiding a feature in an episode.
        seed: of the draws.

    Attributes:
        absent: (num_envs, entries of a context), which entries are hidden in the current episodes.
    """

    def __init__(self, num_envs: int, owners: Sequence[int], probability: float, seed: int) -> None:
        self._owners, self._probability = np.asarray(owners), probability
        self._features = int(self._owners.max()) + 1
        self._random = np.random.default_rng(np.random.SeedSequence([seed, 1]))
        self.absent: NDArray[np.bool_] = np.zeros((num_envs, len(self._owners)), dtype=np.bool_)

    def draw(self, index: int) -> None:
        """Draw which features an environment hides."""
        self.absent[index] = (self._random.random(self._features) < self._probability)[self._owners]

    def apply(self, contexts: Contexts, indices: Indices) -> Contexts:
        """Contexts with NaN where a feature is hidden."""
        return np.where(self.absent[indices], np.float32(np.nan), contexts)

    def get_state(self) -> dict[str, Any]:
        """The hidden features, and the generator."""
        return {"absent": self.absent.copy(), "dropout_rng": self._random.bit_generator.state}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Go on from a state of `get_state`."""
        self.absent[:] = state["absent"]
        self._random.bit_generator.state = state["dropout_rng"]
