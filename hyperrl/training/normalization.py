"""Training environments whose observations and rewards are normalized by running statistics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.vec_env import VecNormalize
from stable_baselines3.common.vec_env.base_vec_env import VecEnvStepReturn

from hyperrl.policies.normalization import BufferedMeanStd, Normalization, Statistics
from hyperrl.training.vec_env import BatchedVecEnv

Array = NDArray[Any]
Observation = dict[str, Array]


class NormalizedVecEnv(VecNormalize):
    """SB3's `VecNormalize` around a family's environments, with the same numbers.

    The statistics are the buffers of `normalization`, which is a part of the policy in training. The context
    is not normalized. `episode` in infos has the sum of the raw rewards. Numbers that are not finite
    become NaN; statistics leave out a step that has any, so that all other numbers stay finite.

    Args:
        env: the environments.
        normalization: what is normalized, and the statistics that it begins with.
        gamma: discount factor of the returns by whose standard deviation rewards are divided.

    Attributes:
        normalization: the statistics.
    """

    def __init__(self, env: BatchedVecEnv, normalization: Normalization, gamma: float) -> None:
        self.normalization, settings = normalization, normalization.settings
        self._env, self._parts = env, normalization.running_means()
        super().__init__(
            BaseAlgorithm._wrap_env(env),  # transposes images, which must happen below: SB3 stores originals
            norm_obs=bool(self._parts),
            norm_reward=settings.norm_reward,
            clip_obs=settings.clip_obs,
            clip_reward=settings.clip_reward,
            gamma=gamma,
            epsilon=settings.epsilon,
            norm_obs_keys=list(self._parts),
        )
        self._returns = BufferedMeanStd(normalization.returns or Statistics(()))
        self.obs_rms, self.ret_rms = dict(self._parts), self._returns

    def reset(self) -> Observation:
        """Reset every environment; the first observations count in the statistics."""
        observation: Any = self.venv.reset()
        self.returns = np.zeros(self.num_envs)
        return self._observe(observation)

    def step_wait(self) -> VecEnvStepReturn:
        """Take the step; update the statistics, then normalize by them."""
        observation, rewards, dones, infos = self.venv.step_wait()
        assert isinstance(observation, dict)
        normalized = self._observe(observation)
        for index in dones.nonzero()[0]:
            last = infos[index]["terminal_observation"]
            infos[index]["terminal_observation"] = _with_nan(self.normalize_obs(last), last)
        self.old_reward = rewards
        rewards = self._reward(rewards)
        self.returns[dones] = 0
        return normalized, rewards, dones, infos

    def _observe(self, observation: Observation) -> Observation:
        """Note the original observations, update their statistics, and normalize them."""
        self.old_obs = observation
        finite = True
        if self.training:
            for name, part in self._parts.items():
                finite &= part.add(observation[name])
        normalized = self.normalize_obs(observation)
        return normalized if finite else _with_nan(normalized, observation)

    def _reward(self, rewards: Array) -> Array:
        """Update the statistics of returns, and normalize the rewards."""
        finite = True
        if self.training and self.norm_reward:
            self.returns = self.returns * self.gamma + rewards
            finite = self._returns.add(self.returns)
        normalized: Array = self.normalize_reward(rewards)
        return normalized if finite else np.where(np.isfinite(rewards), normalized, np.float32(np.nan))

    def normalize_obs(self, obs: Any) -> Any:
        """Observations, or some of their parts, normalized by the statistics as they are."""
        clip, epsilon = self.clip_obs, self.epsilon
        return {
            **obs,
            **{name: part.normalize(obs[name], clip, epsilon) for name, part in self._parts.items()},
        }

    def normalize_reward(self, reward: Array) -> Array:
        """Rewards, normalized by the statistics as they are."""
        if self.norm_reward:
            scaled = reward / np.sqrt(self._returns.var + self.epsilon)
            reward = np.minimum(np.maximum(scaled, -self.clip_reward), self.clip_reward)
        return reward.astype(np.float32)

    def get_original_obs(self) -> Any:
        """The raw observations of the latest step or reset."""
        assert isinstance(self.old_obs, dict)
        return dict(self.old_obs)

    def get_state(self) -> dict[str, Any] | None:
        """State of the environments in mid-episode; None where they offer none.

        The policy's weights hold the statistics.
        """
        state = self._env.get_state()
        if state is None:
            return None
        return {**state, "original": self.get_original_obs(), "discounted": self.returns.copy()}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Go on from what `get_state` gave."""
        self._env.set_state(state)
        self.old_obs, self.returns = dict(state["original"]), np.array(state["discounted"])


TrainingEnv = BatchedVecEnv | NormalizedVecEnv


def _with_nan(normalized: Observation, original: Observation) -> Observation:
    """Normalized observations with NaN where the original number is not finite, which clipping would hide."""
    return {
        name: np.where(np.isfinite(original[name]), part, part.dtype.type(np.nan))
        if part.dtype.kind == "f"
        else part
        for name, part in normalized.items()
    }


@contextmanager
def frozen_statistics(model: BaseAlgorithm) -> Iterator[None]:
    """Leave a model's statistics as they are while its environments are reset or played."""
    env = model.get_vec_normalize_env()
    before = None if env is None else env.training
    if env is not None:
        env.training = False
    try:
        yield
    finally:
        if env is not None and before is not None:
            env.training = before


def note_original_observation(model: BaseAlgorithm) -> None:
    """Have a model that goes on store the raw observations that its environments are at, as SB3 does."""
    if (env := model.get_vec_normalize_env()) is not None:
        model._last_original_obs = env.get_original_obs()
