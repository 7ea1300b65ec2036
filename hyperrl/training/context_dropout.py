"""Training environments that keep features of the context to themselves."""

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
    """Leaves features out of the observed context at random, for a whole episode each.

    What is left out is NaN in the observations, those that end an episode among them; the task itself is
    unchanged. Rollouts and updates see the same.

    Args:
        batch: as in `BatchedVecEnv`; its observations are dictionaries with a `context`.
        owners: for each entry of a context the number of its feature; a feature's entries go together.
        probability: of each feature, in each episode, to be left out.
        seed: of the draws.
    """

    def __init__(self, batch: FamilyVectorEnv, owners: Sequence[int], probability: float, seed: int) -> None:
        super().__init__(batch)
        self._owners, self._probability = np.asarray(owners), probability
        self._random = np.random.default_rng(np.random.SeedSequence([seed, 1]))
        self.absent: NDArray[np.bool_] = np.zeros((batch.num_envs, len(self._owners)), dtype=np.bool_)

    def reset(self) -> VecEnvObs:
        """Reset every environment, and draw for each what it leaves out."""
        observation = super().reset()
        self._draw(np.arange(self.num_envs))
        return self._hidden(observation)

    def step_wait(self) -> VecEnvStepReturn:
        """Take the step; finished environments draw anew."""
        observation, rewards, dones, infos = super().step_wait()
        finished = np.flatnonzero(dones)
        for index in finished:
            last = infos[index]["terminal_observation"]
            context = np.where(self.absent[index], np.nan, last[CONTEXT]).astype(np.float32)
            infos[index]["terminal_observation"] = {**last, CONTEXT: context}
        self._draw(finished)
        return self._hidden(observation), rewards, dones, infos

    def get_state(self) -> dict[str, Any] | None:
        """State of the batch in mid-episode, what is left out included; None where it offers none."""
        state = super().get_state()
        if state is None:
            return None
        return {**state, "absent": self.absent.copy(), "forgetting": self._random.bit_generator.state}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Go on from what `get_state` gave."""
        super().set_state(state)
        self.absent[:] = state["absent"]
        self._random.bit_generator.state = state["forgetting"]

    def _draw(self, indices: NDArray[np.intp]) -> None:
        features = int(self._owners.max()) + 1
        for index in indices:
            self.absent[index] = (self._random.random(features) < self._probability)[self._owners]

    def _hidden(self, observation: VecEnvObs) -> VecEnvObs:
        assert isinstance(observation, dict)
        observation[CONTEXT][self.absent] = np.nan
        return observation
