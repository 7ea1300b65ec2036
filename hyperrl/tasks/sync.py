"""Several contextual environments one after the other, where no batched dynamics exist."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from hyperrl.tasks.env import ContextualEnv
from hyperrl.tasks.sampler import TaskSampler

_TYPES: dict[str, Any] = {"task": np.int64}
_EPISODE_TYPES: dict[str, Any] = {"r": np.float64, "l": np.int64}
"""What is no array of objects; the names are ours alone (`hyperrl.tasks.adapter.RESERVED`)."""


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
            into.setdefault(f"_{key}", np.zeros(self.num_envs, np.bool_))[env_num] = True
        return into
