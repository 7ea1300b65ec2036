"""Training environments whose observations differ from those that they make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.vec_env.base_vec_env import VecEnvObs, VecEnvStepReturn

from hyperrl.recipes import CONTEXT
from hyperrl.tasks.vector import FamilyVectorEnv
from hyperrl.training.observation_noise import TrainingNoise
from hyperrl.training.vec_env import BatchedVecEnv

Contexts = NDArray[np.float32]
Indices = NDArray[np.intp]


class ContextChange(Protocol):
    """Changes what is observed of contexts, in a way that it draws for each episode."""

    def draw(self, index: int) -> None:
        """Draw anew for an environment, as an episode begins."""

    def apply(self, contexts: Contexts, indices: Indices) -> Contexts:
        """The observed contexts (n, D) of some environments, in place of those of other changes before it."""

    def get_state(self) -> dict[str, Any]:
        """What was drawn, and the generator: arrays and JSON data."""

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Go on from a state of `get_state`."""


class ObservedContextVecEnv(BatchedVecEnv):
    """Environments in which agents observe changed contexts, or noise; the tasks themselves are unchanged.

    A change of contexts holds for a whole episode, its last observation too; noise differs from step to
    step. Rollouts and updates see the same observations.

    Args:
        batch: as in `BatchedVecEnv`; its observations are dictionaries with a `context`.
        changes: of contexts, one applied after the other.
        noise: on the other parts of observations; None: none.
    """

    def __init__(
        self, batch: FamilyVectorEnv, changes: Sequence[ContextChange], noise: TrainingNoise | None = None
    ) -> None:
        super().__init__(batch)
        self.changes, self.noise = tuple(changes), noise
        self._all = np.arange(batch.num_envs)

    def reset(self) -> VecEnvObs:
        """Reset every environment, and draw the changes of each."""
        observation = super().reset()
        self._draw(self._all)
        return self._observed(observation)

    def step_wait(self) -> VecEnvStepReturn:
        """Take the step; finished environments draw anew."""
        observation, rewards, dones, infos = super().step_wait()
        finished = np.flatnonzero(dones)
        for index in finished:
            last = infos[index]["terminal_observation"]
            context = self._changed(last[CONTEXT][None], np.array([index]))[0]
            if self.noise is not None:
                rows = {name: np.asarray(part)[None] for name, part in last.items()}
                last = {name: part[0] for name, part in self.noise.add(rows).items()}
            infos[index]["terminal_observation"] = {**last, CONTEXT: context}
        self._draw(finished)
        return self._observed(observation), rewards, dones, infos

    def get_state(self) -> dict[str, Any] | None:
        """State of the batch in mid-episode and of the changes; None where the batch offers none."""
        state = super().get_state()
        if state is None:
            return None
        noise = {} if self.noise is None else self.noise.get_state()
        changes = {key: part for change in self.changes for key, part in change.get_state().items()}
        return state | changes | noise

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Continue from a state of `get_state`."""
        super().set_state(state)
        for change in self.changes:
            change.set_state(state)
        if self.noise is not None:
            self.noise.set_state(state)

    def _draw(self, indices: Indices) -> None:
        for change in self.changes:
            for index in indices.tolist():
                change.draw(index)

    def _changed(self, contexts: Contexts, indices: Indices) -> Contexts:
        for change in self.changes:
            contexts = change.apply(contexts, indices)
        return contexts

    def _observed(self, observation: VecEnvObs) -> VecEnvObs:
        assert isinstance(observation, dict)
        if self.noise is not None:
            observation = self.noise.add(observation)
        observation[CONTEXT] = self._changed(observation[CONTEXT], self._all)
        return observation
