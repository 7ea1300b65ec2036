"""Several contextual environments one after the other, where no batched dynamics exist."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.vector.utils import iterate

from hyperrl.tasks.env import ContextualEnv
from hyperrl.tasks.sampler import TaskSampler

_TYPES: dict[str, Any] = {"task": np.int64}
_EPISODE_TYPES: dict[str, Any] = {"r": np.float64, "l": np.int64}
"""What is no array of objects; the names are ours alone (`hyperrl.tasks.adapter.RESERVED`)."""


def _copied(observation: Any) -> dict[str, Any]:
    return {key: part.copy() for key, part in observation.items()}


class ContextualSyncEnv(SyncVectorEnv):
    """Gymnasium's SyncVectorEnv, resetting in the same step, with infos as `BatchedEnv` gives them."""

    def __init__(
        self, make: Sequence[Callable[[], ContextualEnv]], sampler: TaskSampler | None = None
    ) -> None:
        """Make the environments; `sampler` belongs to them alone: `reset(seed=...)` seeds it."""
        super().__init__(make, copy=False, autoreset_mode=AutoresetMode.SAME_STEP)
        self._owned = sampler
        self._dtypes = {key: part.dtype for key, part in self.single_observation_space.items()}  # type: ignore[attr-defined]

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> Any:
        """Reset all environments; environment i is seeded with seed + i, or with seed[i]."""
        first = seed[0] if isinstance(seed, list) and seed else seed
        if self._owned is not None and isinstance(first, int):
            self._owned.reseed(first)
        observation, infos = super().reset(seed=seed, options=options)
        return _copied(observation), infos

    def step(self, actions: Any) -> Any:
        """Step all environments, and reset those whose episodes end, in new arrays."""
        infos: dict[str, Any] = {}
        seen, rewards, terminations, truncations = [], [], [], []
        for index, (env, action) in enumerate(
            zip(self.envs, iterate(self.action_space, actions), strict=True)
        ):
            observation, reward, terminated, truncated, info = env.step(action)
            if terminated or truncated:
                ended = {"final_obs": observation, "final_info": info}
                self._gather(infos, ended, index, _TYPES)
                observation, info = env.reset()
            if info:
                self._gather(infos, info, index, _TYPES)
            seen.append(observation)
            rewards.append(reward)
            terminations.append(terminated)
            truncations.append(truncated)
        self._env_obs = seen
        joined = {
            key: np.stack([each[key] for each in seen], dtype=dtype) for key, dtype in self._dtypes.items()
        }
        ends = np.array(terminations, np.bool_), np.array(truncations, np.bool_)
        return joined, np.array(rewards, np.float64), *ends, infos

    def _add_info(
        self, vector_infos: dict[str, Any], env_info: dict[str, Any], env_num: int
    ) -> dict[str, Any]:
        """Add one environment's info, the base's values as they are, in arrays of objects.

        Keys that begin with an underscore are left out: Gymnasium has its masks there.
        """
        return self._gather(vector_infos, env_info, env_num, _TYPES)

    def _gather(
        self, into: dict[str, Any], info: dict[str, Any], env_num: int, types: dict[str, Any]
    ) -> dict[str, Any]:
        for key, value in info.items():
            if key[:1] == "_":
                continue
            if key in ("final_info", "episode"):
                inner = _TYPES if key == "final_info" else _EPISODE_TYPES
                into[key] = self._gather(into.get(key, {}), value, env_num, inner)
            else:
                if key not in into:
                    typed = key in types
                    into[key] = np.full(self.num_envs, 0 if typed else None, types.get(key, object))
                into[key][env_num] = value
            mask = f"_{key}"
            if mask not in into:
                into[mask] = np.zeros(self.num_envs, np.bool_)
            into[mask][env_num] = True
        return into
