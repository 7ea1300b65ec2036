"""Which part of a base environment's observation is seen."""

from collections.abc import Sequence
from typing import Any

import gymnasium as gym

from hyperrl.errors import UserError, did_you_mean


def select(env: gym.Env[Any, Any], keys: Sequence[str] | None, *, flatten: bool = False) -> gym.Env[Any, Any]:
    """Narrow an observation to `keys` of its dictionary, one alone without its key, and flatten it.

    Raises:
        UserError: no dictionary, no such key, or a part that is no array of fixed size.
    """
    if keys is not None:
        env = _narrowed(env, keys)
    if flatten:
        if not env.observation_space.is_np_flattenable:
            raise UserError(f"flatten: an observation of {env.observation_space} is no row of numbers")
        env = gym.wrappers.FlattenObservation(env)
    return env


def _narrowed(env: gym.Env[Any, Any], keys: Sequence[str]) -> gym.Env[Any, Any]:
    space = env.observation_space
    if not isinstance(space, gym.spaces.Dict):
        raise UserError(f"observe: the base's observation is no dictionary but {space}")
    for key in keys:
        if key not in space.spaces:
            raise UserError(
                f"observe: the base's observation has no key {key!r}{did_you_mean(key, space.spaces)}"
            )
    if len(keys) == 1:
        return gym.wrappers.TransformObservation(env, lambda seen: seen[keys[0]], space[keys[0]])
    kept = gym.spaces.Dict({key: space[key] for key in keys})
    return gym.wrappers.TransformObservation(env, lambda seen: {key: seen[key] for key in keys}, kept)
