"""Training environments that tell the agent which of many networks acts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3.common.vec_env.base_vec_env import VecEnvObs, VecEnvStepReturn

from hyperrl.config import HypernetworkConfig
from hyperrl.policies.indices import INDEX
from hyperrl.policies.noise import indices_of
from hyperrl.tasks.vector import FamilyVectorEnv
from hyperrl.training.observation_noise import TrainingNoise
from hyperrl.training.observed_context import ContextChange, Indices, ObservedContextVecEnv


class IndexedVecEnv(ObservedContextVecEnv):
    """Environments whose observations have a further part, the index of the network that acts in an episode.

    It is drawn as the episode begins: Thompson sampling. The part is none of the observation space, as no
    network observes it: policies with an index take it out (`HyperPolicy.obs_to_tensor`), and replay, which
    draws its own, stores no such part.

    Args:
        batch: as in `ObservedContextVecEnv`.
        changes: of contexts, as there.
        noise: on observations, as there.
        indexed: the hypernetwork whose index it is.
        seed: of the draws.

    Attributes:
        drawn: (num_envs, dim), the indices of the current episodes.
    """

    def __init__(
        self,
        batch: FamilyVectorEnv,
        changes: Sequence[ContextChange],
        noise: TrainingNoise | None,
        indexed: HypernetworkConfig,
        seed: int,
    ) -> None:
        super().__init__(batch, changes, noise)
        self._kind = indexed.index.kind
        self._random = np.random.default_rng(np.random.SeedSequence([seed, 3]))
        self.drawn: NDArray[np.float32] = np.zeros((batch.num_envs, indexed.index_dim), np.float32)

    def step_wait(self) -> VecEnvStepReturn:
        """Take the step; the last observation of an episode has the episode's own index."""
        acted = self.drawn.copy()
        observation, rewards, dones, infos = super().step_wait()
        for number in np.flatnonzero(dones):
            last = infos[number]["terminal_observation"]
            infos[number]["terminal_observation"] = {**last, INDEX: acted[number]}
        return observation, rewards, dones, infos

    def get_state(self) -> dict[str, Any] | None:
        """State of the batch in mid-episode, of the changes and of the indices; None where there is none."""
        state = super().get_state()
        own = {"index": self.drawn.copy(), "index_rng": self._random.bit_generator.state}
        return None if state is None else {**state, **own}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Continue from a state of `get_state`."""
        super().set_state(state)
        self.drawn = np.array(state["index"])
        self._random.bit_generator.state = state["index_rng"]

    def _draw(self, indices: Indices) -> None:
        super()._draw(indices)
        if len(indices):
            normal = self._random.standard_normal((len(indices), self.drawn.shape[1]), np.float32)
            self.drawn[indices] = indices_of(self._kind, torch.from_numpy(normal)).numpy()

    def _observed(self, observation: VecEnvObs) -> VecEnvObs:
        changed: Any = super()._observed(observation)
        return {**changed, INDEX: self.drawn.copy()}
