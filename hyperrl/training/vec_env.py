"""A family's vector environment as SB3's VecEnv."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.vec_env.base_vec_env import VecEnv, VecEnvIndices, VecEnvObs, VecEnvStepReturn

from hyperrl.masks import ACTION_MASKS
from hyperrl.tasks.vector import BatchedEnv, FamilyVectorEnv


class BatchedVecEnv(VecEnv):
    """What `Family.make_vec` makes, as a VecEnv of the same number of environments.

    Observations and rewards are the caller's to keep: they are new arrays at every step. The infos of
    environments in mid-episode are one list of empty dicts, the same at every step; that of a finished
    episode holds `terminal_observation`, `TimeLimit.truncated`, `episode` ({"r": undiscounted return, "l":
    steps, "t": 0.0}), `task`, `context` and what the base environment's last info holds.
    """

    def __init__(self, batch: FamilyVectorEnv) -> None:
        self.batch = batch
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
        observation: VecEnvObs
        observation, infos = self.batch.reset(seed=seeds, options=dict(options) or None)
        self.reset_infos = _rows(infos, self.num_envs)
        self._reset_seeds()
        self._reset_options()
        return observation

    def step_async(self, actions: NDArray[Any]) -> None:
        """Take note of the actions, (num_envs, ...)."""
        self._actions = actions

    def step_wait(self) -> VecEnvStepReturn:
        """Take the step; finished environments are reset within it."""
        observation, reward, terminated, truncated, ended = self.batch.advance(self._actions)
        infos = self._idle
        if ended:
            infos = infos.copy()
            for index, last, info in ended:
                info["terminal_observation"], info["TimeLimit.truncated"] = last, not terminated[index]
                info["episode"]["t"] = 0.0
                infos[index] = _with_success(info)
        return observation, reward.astype(np.float32), terminated | truncated, infos

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
            return [getattr(self.batch, attr_name) for _ in self._get_indices(indices)]
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

    def has_attr(self, attr_name: str) -> bool:
        """Whether all environments have an attribute; sb3-contrib so asks whether there are action masks."""
        return self.batch.masked if attr_name == ACTION_MASKS else super().has_attr(attr_name)

    def env_method(
        self, method_name: str, *method_args: Any, indices: VecEnvIndices = None, **method_kwargs: Any
    ) -> list[Any]:
        """Call a method of each environment; AttributeError where the batch has no single environments.

        The batch answers for all of them what sb3-contrib asks at each step, `action_masks`.
        """
        if method_name == ACTION_MASKS:
            masks = self.batch.action_masks()
            return [masks[index] for index in self._get_indices(indices)]
        envs = self._envs(indices)
        if envs is None:
            raise AttributeError(
                f"{type(self.batch).__name__} has no single environments to call {method_name!r} on"
            )
        return [env.get_wrapper_attr(method_name)(*method_args, **method_kwargs) for env in envs]

    def env_is_wrapped(
        self, wrapper_class: type[gym.Wrapper[Any, Any, Any, Any]], indices: VecEnvIndices = None
    ) -> list[bool]:
        """False for each: a family's environment is no Gymnasium wrapper, and none may stand around it."""
        return [False for _ in self._get_indices(indices)]

    def get_state(self) -> dict[str, Any] | None:
        """State of the batch in mid-episode; None where it offers none."""
        return {"batch": self.batch.get_state()} if isinstance(self.batch, BatchedEnv) else None

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Go on from what `get_state` gave."""
        assert isinstance(self.batch, BatchedEnv)
        self.batch.set_state(state["batch"])

    def _envs(self, indices: VecEnvIndices) -> list[gym.Env[Any, Any]] | None:
        envs = getattr(self.batch, "envs", None)
        return None if envs is None else [envs[i] for i in self._get_indices(indices)]


def _with_success(info: dict[str, Any]) -> dict[str, Any]:
    """The info with its success as a float, of which SB3 takes means, or without one that is no number."""
    success = info.pop("is_success", None)
    if isinstance(success, bool | int | float | np.bool_ | np.integer | np.floating):
        info["is_success"] = float(success)
    return info


def _rows(infos: Mapping[str, Any], count: int) -> list[dict[str, Any]]:
    """Infos of each environment, from a dict of arrays with masks (`task`, `_task`)."""
    rows: list[dict[str, Any]] = [{} for _ in range(count)]
    for key, values in infos.items():
        if not key.startswith("_"):
            for row, value, present in zip(rows, values.tolist(), infos[f"_{key}"], strict=True):
                if present:
                    row[key] = value
    return rows
