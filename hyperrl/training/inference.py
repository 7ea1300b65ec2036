"""Training of agents that infer contexts from the last transitions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from stable_baselines3.common.vec_env.base_vec_env import VecEnvObs, VecEnvStepReturn

from hyperrl.policies.inference import ContextInference, inferred_space
from hyperrl.recipes import CONTEXT
from hyperrl.tasks.vector import FamilyVectorEnv
from hyperrl.training.rollout_callback import RolloutCallback
from hyperrl.training.vec_env import BatchedVecEnv


class InferringVecEnv(BatchedVecEnv):
    """Environments that hide their contexts: agents observe what is inferred of them.

    Each step's transitions update the statistics by which transitions are normalized.

    Args:
        batch: as in `BatchedVecEnv`; its observations are dictionaries with a `context`.
        inference: infers latents, which take the place of the contexts.

    Attributes:
        inference: as above.
        windows: the last transitions of the current episodes.
    """

    def __init__(self, batch: FamilyVectorEnv, inference: ContextInference) -> None:
        super().__init__(batch)
        self.inference, self.windows = inference, inference.windows(batch.num_envs)
        self.observation_space = inferred_space(inference.settings, batch.single_observation_space)
        self._observed = np.zeros((batch.num_envs, inference.transitions.observed), np.float32)

    def reset(self) -> VecEnvObs:
        """Reset every environment; all windows are empty."""
        observation: Any = super().reset()
        self.windows.clear(np.arange(self.num_envs))
        return self._infer(observation)

    def step_wait(self) -> VecEnvStepReturn:
        """Take the step; the windows of finished environments are empty again."""
        rows = self.inference.transitions
        actions = rows.actions(np.asarray(self._actions))
        observation, rewards, dones, infos = super().step_wait()
        assert isinstance(observation, dict)
        after, finished = rows.observations(observation), np.flatnonzero(dones)
        for index in finished:
            last = infos[index]["terminal_observation"]
            after[index] = rows.observations({name: part[None] for name, part in last.items()})[0]
        transitions = rows.join(self._observed, actions, after)
        self.windows.add(transitions)
        self.inference.add_statistics(transitions)
        if len(finished):
            latents = self.inference.latents(self.windows.rows[finished])
            for index, latent in zip(finished, latents, strict=True):
                infos[index]["terminal_observation"] = {
                    **infos[index]["terminal_observation"],
                    CONTEXT: latent,
                }
            self.windows.clear(finished)
        return self._infer(observation), rewards, dones, infos

    def _infer(self, observation: dict[str, Any]) -> VecEnvObs:
        self._observed = self.inference.transitions.observations(observation)
        return {**observation, CONTEXT: self.inference.latents(self.windows.rows)}

    def get_state(self) -> dict[str, Any] | None:
        """State of the batch in mid-episode and of the windows; None where the batch offers none."""
        state = super().get_state()
        if state is None:
            return None
        return {**state, "windows": self.windows.rows.copy(), "observed": self._observed.copy()}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Continue from a state of `get_state`."""
        super().set_state(state)
        self.windows.rows[:] = state["windows"]
        self._observed = np.array(state["observed"])


class InferenceUpdates(RolloutCallback):
    """Trains what infers contexts: after each rollout one step for each update of the algorithm.

    It writes the mean error of the forward model as `train/forward_loss`.
    """

    def _on_rollout_end(self) -> None:
        inference, model = self._view.inference, self.model
        if inference is None or model.num_timesteps <= self._view.learning_starts:
            return
        shape, replay = self._view.minibatches, model.replay_buffer  # type: ignore[attr-defined]
        losses = [inference.learn(*replay.sample_transitions(shape.rows)) for _ in range(shape.minibatches)]
        self.logger.record("train/forward_loss", float(np.mean(losses)))
