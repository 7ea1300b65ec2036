"""Several contextual environments one after the other, where no batched dynamics exist."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from hyperrl.tasks.env import ContextualEnv
from hyperrl.tasks.sampler import TaskSampler


class ContextualSyncEnv(SyncVectorEnv):
    """Gymnasium's SyncVectorEnv, resetting in the same step, with infos as `BatchedEnv` gives them."""

    def __init__(
        self, make: Sequence[Callable[[], ContextualEnv]], sampler: TaskSampler | None = None
    ) -> None:
        """Make the environments; `sampler` belongs to them alone: `reset(seed=...)` seeds it."""
        super().__init__(make, autoreset_mode=AutoresetMode.SAME_STEP)
        self._owned = sampler

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> Any:
        """Reset all environments; environment i is seeded with seed + i, or with seed[i]."""
        first = seed[0] if isinstance(seed, list) and seed else seed
        if self._owned is not None and isinstance(first, int):
            self._owned.reseed(first)
        return super().reset(seed=seed, options=options)

    def _add_info(
        self, vector_infos: dict[str, Any], env_info: dict[str, Any], env_num: int
    ) -> dict[str, Any]:
        rest = {key: value for key, value in env_info.items() if key != "context"}
        vector_infos = super()._add_info(vector_infos, rest, env_num)
        if "context" in env_info:
            if "context" not in vector_infos:
                vector_infos["context"] = np.full(self.num_envs, None, object)
                vector_infos["_context"] = np.zeros(self.num_envs, np.bool_)
            vector_infos["context"][env_num] = env_info["context"]
            vector_infos["_context"][env_num] = True
        return vector_infos
