"""Gymnasium's batched environments as SB3's VecEnv."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from numpy.typing import NDArray
from stable_baselines3.common.vec_env.base_vec_env import VecEnv, VecEnvIndices, VecEnvObs, VecEnvStepReturn

from hyperrl.recipes import CONTEXT
from hyperrl.tasks.vector import BatchedEnv, ContextualSyncEnv


class BatchedVecEnv(VecEnv):
    """Any Gymnasium VectorEnv with SAME_STEP autoreset as a VecEnv of the same number of environments.

    Observations and rewards are the caller's to keep: they are copied out of the batch, unless its arrays are
    new at every step, as those of ours are. The infos of environments in mid-episode are one list of empty
    dicts, the same at every step; that of a finished episode holds `terminal_observation`,
    `TimeLimit.truncated`, `episode` ({"r": undiscounted return, "l": steps, "t": 0.0}) and whatever the
    batch's `final_info` says, `task` and `context` with ours.

    Raises:
        ValueError: the batch resets its environments in another way.
    """

    def __init__(self, batch: VectorEnv[Any, Any, Any]) -> None:
        mode = batch.metadata.get("autoreset_mode")
        if mode != AutoresetMode.SAME_STEP:
            raise ValueError(f"expected a VectorEnv with SAME_STEP autoreset, found {mode}")
        self.batch = batch
        self._ours = batch if isinstance(batch, BatchedEnv) else None
        fresh = isinstance(batch, BatchedEnv | ContextualSyncEnv) or getattr(batch, "copy", False)
        self._keep = _unchanged if fresh else _copied
        self.returns: NDArray[np.float64] = np.zeros(batch.num_envs)
        self.lengths: NDArray[np.int64] = np.zeros(batch.num_envs, dtype=np.int64)
        self._actions: NDArray[Any] = np.zeros(0)
        self._idle: list[dict[str, Any]] = [{} for _ in range(batch.num_envs)]
        super().__init__(batch.num_envs, batch.single_observation_space, batch.single_action_space)
        self.metadata = dict(batch.metadata)

    def reset(self) -> VecEnvObs:
        """Reset every environment, with the seeds and options set before."""
        options = self._options[0] if self._options else {}
        if any(other != options for other in self._options):
            raise ValueError("a batch of environments is reset with one set of options for all of them")
        seeded = any(seed is not None for seed in self._seeds)
        seeds: Any = list(self._seeds) if seeded else None
        observation, infos = self.batch.reset(seed=seeds, options=dict(options) or None)
        self.reset_infos = _rows(infos, list(range(self.num_envs)))
        self.returns[:] = 0.0
        self.lengths[:] = 0
        self._reset_seeds()
        self._reset_options()
        return self._keep(observation)

    def step_async(self, actions: NDArray[Any]) -> None:
        """Take note of the actions, (num_envs, ...)."""
        self._actions = actions

    def step_wait(self) -> VecEnvStepReturn:
        """Take the step; finished environments are reset within it."""
        if self._ours is not None:
            return self._advance(self._ours)
        observation, reward, terminated, truncated, infos = self.batch.step(self._actions)
        self.returns += reward
        self.lengths += 1
        dones = terminated | truncated
        told = self._finish(np.flatnonzero(dones), terminated, infos) if dones.any() else self._idle
        return self._keep(observation), reward.astype(np.float32), dones, told

    def _advance(self, batch: BatchedEnv) -> VecEnvStepReturn:
        """The same over our own batch: it counts returns and lengths and hands out new arrays."""
        observation, reward, terminated, truncated, ended = batch.advance(self._actions)
        told = self._idle
        if ended:
            told = told.copy()
            for index, last, task, context, total, length in ended:
                told[index] = {
                    "task": task,
                    CONTEXT: dict(context),
                    "terminal_observation": last,
                    "TimeLimit.truncated": not terminated[index],
                    "episode": {"r": total, "l": length, "t": 0.0},
                }
        return observation, reward.astype(np.float32), terminated | truncated, told

    def close(self) -> None:
        """Close the batch."""
        self.batch.close()

    def get_images(self) -> Sequence[NDArray[np.uint8] | None]:
        """One frame per environment, None where the batch renders nothing."""
        frames: Any = self.batch.render()
        return [None] * self.num_envs if frames is None else list(frames)

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        """The attribute of each environment; a batch without single environments answers for all."""
        envs = self._envs(indices)
        if envs is None:
            return [getattr(self.batch, attr_name)] * len(self._indices(indices))
        return [env.get_wrapper_attr(attr_name) for env in envs]

    def set_attr(self, attr_name: str, value: Any, indices: VecEnvIndices = None) -> None:
        """Set the attribute of each environment, or of a batch without environments of its own.

        Raises:
            AttributeError: such a batch has no such attribute (its tasks are set by options), or the task
                carries the attribute.
        """
        envs = self._envs(indices)
        if envs is None:
            if not hasattr(self.batch, attr_name):
                raise AttributeError(
                    f"{type(self.batch).__name__} has no attribute {attr_name!r}, and no single environments"
                    " to have it; a task is set by set_options({'context': ...}) and reset()"
                )
            setattr(self.batch, attr_name, value)
            return
        for env in envs:
            env.set_wrapper_attr(attr_name, value)

    def env_method(
        self, method_name: str, *method_args: Any, indices: VecEnvIndices = None, **method_kwargs: Any
    ) -> list[Any]:
        """Call a method of each environment; AttributeError where the batch has no single environments."""
        envs = self._envs(indices)
        if envs is None:
            raise AttributeError(
                f"{type(self.batch).__name__} has no single environments to call {method_name!r} on"
            )
        return [env.get_wrapper_attr(method_name)(*method_args, **method_kwargs) for env in envs]

    def env_is_wrapped(
        self, wrapper_class: type[gym.Wrapper[Any, Any, Any, Any]], indices: VecEnvIndices = None
    ) -> list[bool]:
        """Whether each environment is wrapped in `wrapper_class`."""
        from stable_baselines3.common.env_util import is_wrapped

        envs = self._envs(indices)
        if envs is None:
            return [False] * len(self._indices(indices))
        return [is_wrapped(env, wrapper_class) for env in envs]

    def get_state(self) -> dict[str, Any] | None:
        """State of the batch in mid-episode; None where it offers none."""
        if not hasattr(self.batch, "get_state"):
            return None
        return {
            "batch": self.batch.get_state(),
            "returns": self.returns.copy(),
            "lengths": self.lengths.copy(),
        }

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Go on from what `get_state` gave."""
        self.batch.set_state(state["batch"])  # type: ignore[attr-defined]
        self.returns[:] = state["returns"]
        self.lengths[:] = state["lengths"]

    def _finish(
        self, done: NDArray[np.intp], terminated: NDArray[np.bool_], infos: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        told, which = self._idle.copy(), done.tolist()
        final_obs = infos["final_obs"]
        finished = _rows(
            {key: value for key, value in infos.get("final_info", {}).items() if key != "episode"}, which
        )
        returns, lengths = self.returns[done].tolist(), self.lengths[done].tolist()
        for i, info, total, length in zip(which, finished, returns, lengths, strict=True):
            info["terminal_observation"] = final_obs[i]
            info["TimeLimit.truncated"] = not terminated[i]
            info["episode"] = {"r": total, "l": length, "t": 0.0}
            _convert_success(info)
            told[i] = info
        self.returns[done] = 0.0
        self.lengths[done] = 0
        return told

    def _indices(self, indices: VecEnvIndices) -> list[int]:
        if indices is None:
            return list(range(self.num_envs))
        return (
            [indices] if isinstance(indices, int) else list(indices) if isinstance(indices, Iterable) else []
        )

    def _envs(self, indices: VecEnvIndices) -> list[gym.Env[Any, Any]] | None:
        envs = getattr(self.batch, "envs", None)
        return None if envs is None else [envs[i] for i in self._indices(indices)]


def _convert_success(info: dict[str, Any]) -> None:
    """Make a success a float, of which Stable-Baselines3 takes means; leave out one that is no number."""
    success = info.pop("is_success", None)
    if isinstance(success, bool | int | float | np.bool_ | np.integer | np.floating):
        info["is_success"] = float(success)


def _unchanged(observation: Any) -> VecEnvObs:
    kept: VecEnvObs = observation
    return kept


def _copied(observation: Any) -> VecEnvObs:
    if isinstance(observation, dict):
        return {key: value.copy() for key, value in observation.items()}
    return np.array(observation)


def _rows(infos: Mapping[str, Any], which: list[int]) -> list[dict[str, Any]]:
    """Infos of some environments, from a dict of arrays with masks (`task`, `_task`)."""
    rows: list[dict[str, Any]] = [{} for _ in which]
    for key, value in infos.items():
        if key.startswith("_"):
            continue
        mask = infos.get(f"_{key}")
        if isinstance(value, Mapping):
            values: Iterable[Any] = _rows(value, which)
        else:
            values = value[which].tolist() if value.ndim == 1 else value[which]
        for i, row, each in zip(which, rows, values, strict=True):
            if mask is None or mask[i]:
                row[key] = each
    return rows
