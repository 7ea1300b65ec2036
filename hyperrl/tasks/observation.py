"""Selects the part of a base environment's observation that agents see."""

from collections.abc import Sequence
from typing import Any

import gymnasium as gym

from hyperrl.errors import UserError, did_you_mean


def select(env: gym.Env[Any, Any], keys: Sequence[str] | None, *, flatten: bool = False) -> gym.Env[Any, Any]:
    """Keep only `keys` of a dictionary observation, and flatten the observation to one array.

    Args:
        env: the base environment.
        keys: of its dictionary; the value of a single key becomes the observation itself. None: all.
        flatten: whether to flatten.

    Raises:
        UserError: no dictionary, no such key, or a part that is no array of fixed size.
    """
    if keys is not None:
        env = _filter(env, keys)
    if flatten:
        if not env.observation_space.is_np_flattenable:
            raise UserError(f"flatten: an observation of {env.observation_space} is no row of numbers")
        env = gym.wrappers.FlattenObservation(env)
    return env


def _filter(env: gym.Env[Any, Any], keys: Sequence[str]) -> gym.Env[Any, Any]:
    space = env.observation_space
    if not isinstance(space, gym.spaces.Dict):
        raise UserError(f"observe: the base's observation is no dictionary but {space}")
    for key in keys:
        if key not in space.spaces:
            raise UserError(
                f"observe: the base's observation has no key {key!r}{did_you_mean(key, space.spaces)}"
            )
    if len(keys) == 1:
        key = keys[0]
        return gym.wrappers.TransformObservation(env, lambda observation: observation[key], space[key])
    return gym.wrappers.FilterObservation(env, keys)
