"""Training environments that hide features of the context at random."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.vec_env.base_vec_env import VecEnvObs, VecEnvStepReturn

from hyperrl.recipes import CONTEXT
from hyperrl.tasks.vector import FamilyVectorEnv
from hyperrl.training.vec_env import BatchedVecEnv


class ContextDropoutVecEnv(BatchedVecEnv):
    """Hides features of the observed context at random, each for a whole episode.

    A hidden feature is NaN in all observations of the episode, its last one too. The task itself is
    unchanged. Rollouts and updates see the same observations.

    Args:
        batch: as in `BatchedVecEnv`; its observations are dictionaries with a `context`.
        owners: for each entry of a context, the number of its feature. A feature's entries go together.
        probability: of hiding a feature in an episode.
        seed: of the draws.

    Attributes:
        absent: (num_envs, entries of a context), which entries are hidden in the current episodes.
    """

    def __init__(self, batch: FamilyVectorEnv, owners: Sequence[int], probability: float, seed: int) -> None:
        super().__init__(batch)
        self._owners, self._probability = np.asarray(owners), probability
        self._random = np.random.default_rng(np.random.SeedSequence([seed, 1]))
        self.absent: NDArray[np.bool_] = np.zeros((batch.num_envs, len(self._owners)), dtype=np.bool_)

    def reset(self) -> VecEnvObs:
        """Reset every environment, and draw for each which features it hides."""
        observation = super().reset()
        self._draw(np.arange(self.num_envs))
        return self._hide(observation)

    def step_wait(self) -> VecEnvStepReturn:
        """Take the step; finished environments draw anew."""
        observation, rewards, dones, infos = super().step_wait()
        finished = np.flatnonzero(dones)
        for index in finished:
            last = infos[index]["terminal_observation"]
            context = np.where(self.absent[index], np.nan, last[CONTEXT]).astype(np.float32)
            infos[index]["terminal_observation"] = {**last, CONTEXT: context}
        self._draw(finished)
        return self._hide(observation), rewards, dones, infos

    def get_state(self) -> dict[str, Any] | None:
        """State of the batch in mid-episode and of the hidden features; None where the batch offers none."""
        state = super().get_state()
        if state is None:
            return None
        return {**state, "absent": self.absent.copy(), "dropout_rng": self._random.bit_generator.state}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Continue from a state of `get_state`."""
        super().set_state(state)
        self.absent[:] = state["absent"]
        self._random.bit_generator.state = state["dropout_rng"]

    def _draw(self, indices: NDArray[np.intp]) -> None:
        features = int(self._owners.max()) + 1
        for index in indices:
            self.absent[index] = (self._random.random(features) < self._probability)[self._owners]

    def _hide(self, observation: VecEnvObs) -> VecEnvObs:
        assert isinstance(observation, dict)
        observation[CONTEXT][self.absent] = np.nan
        return observation
