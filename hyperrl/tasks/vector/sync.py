"""Several contextual environments one after the other, where no batched dynamics exist."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.vector.utils import iterate

from hyperrl.masks import ACTION_MASKS, Masks
from hyperrl.tasks.env import ContextualEnv
from hyperrl.tasks.sampler import TaskSampler
from hyperrl.tasks.vector.infos import Advance, Ended, gather


class ContextualSyncEnv(SyncVectorEnv):
    """Gymnasium's SyncVectorEnv, resetting in the same step, with infos as `BatchedEnv` gives them."""

    def __init__(
        self, make: Sequence[Callable[[], ContextualEnv]], sampler: TaskSampler | None = None
    ) -> None:
        """Make the environments; `sampler` belongs to them alone: `reset(seed=...)` seeds it."""
        super().__init__(make, copy=False, autoreset_mode=AutoresetMode.SAME_STEP)
        self._owned = sampler
        self._idle: set[int] = set()
        self._dtypes = {key: part.dtype for key, part in self.single_observation_space.items()}  # type: ignore[attr-defined]

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> Any:
        """Reset all environments; environment i is seeded with seed + i, or with seed[i]."""
        first = seed[0] if isinstance(seed, list) and seed else seed
        if self._owned is not None and isinstance(first, int):
            self._owned.reseed(first)
        self._idle.clear()
        observation, infos = super().reset(seed=seed, options=options)
        return {key: part.copy() for key, part in observation.items()}, infos

    def set_idle(self, environments: Sequence[int]) -> None:
        """Let environments stand still until the next `reset`, as nobody looks at what they do.

        They observe what they observed last, with a reward of 0 and no end.

        Args:
            environments: their numbers.
        """
        self._idle.update(environments)

    def step(self, actions: Any) -> Any:
        """Step all environments, and reset those whose episodes end, in new arrays."""
        *values, ended = self.advance(actions)
        infos: dict[str, Any] = {}
        for index, observation, info in ended:
            gather(infos, {"final_obs": observation, "final_info": info}, index, self.num_envs)
        for index, info in enumerate(self._row_infos()):
            gather(infos, info, index, self.num_envs)
        return *values, infos

    def _row_infos(self) -> Sequence[dict[str, Any]]:
        """The present info of each environment: of its latest step, or of the reset in it."""
        return self._present_infos

    def advance(self, actions: Any) -> Advance:
        """Take the step as `step` does, and list the episodes that ended in it instead of infos."""
        ended: list[Ended] = []
        rows: list[tuple[Any, ...]] = []
        for index, (env, action) in enumerate(
            zip(self.envs, iterate(self.action_space, actions), strict=True)
        ):
            if index in self._idle:
                rows.append((self._env_obs[index], 0.0, False, False, {}))
                continue
            observation, reward, terminated, truncated, info = env.step(action)
            if terminated or truncated:
                ended.append(Ended(index, observation, info))
                observation, info = env.reset()
            rows.append((observation, reward, terminated, truncated, info))
        observations, rewards, terminations, truncations, self._present_infos = zip(*rows, strict=True)
        self._env_obs = list(observations)
        joined = {
            key: np.stack([each[key] for each in observations], dtype=dtype)
            for key, dtype in self._dtypes.items()
        }
        ends = np.array(terminations, np.bool_), np.array(truncations, np.bool_)
        return joined, np.array(rewards, np.float64), *ends, ended

    @property
    def masked(self) -> bool:
        """Whether the environments, once they are reset, tell which choices are valid."""
        return bool(self.envs[0].has_wrapper_attr(ACTION_MASKS))

    def action_masks(self) -> Masks:
        """Which choices each environment's next action may make, (N, choices); raises as the environments."""
        return np.stack([env.get_wrapper_attr(ACTION_MASKS)() for env in self.envs])

    def _add_info(
        self, vector_infos: dict[str, Any], env_info: dict[str, Any], env_num: int
    ) -> dict[str, Any]:
        return gather(vector_infos, env_info, env_num, self.num_envs)
