"""What Gymnasium's registry knows of a family's base environment."""

from typing import Any

import gymnasium as gym
from gymnasium.envs.registration import EnvSpec, find_highest_version, get_env_id, parse_env_id

from hyperrl.recipes import FamilyRecipe
from hyperrl.tasks.base_modules import import_base
from hyperrl.tasks.dynamics import Dynamics, batched_dynamics
from hyperrl.tasks.variants import VariantEnv

_LIMIT = "max_episode_steps"


def registered(recipe: FamilyRecipe) -> EnvSpec | None:
    """Find the registration of a family's base environment; None where there is none.

    The base's module or file is imported first; an id without a version is its highest.

    Raises:
        UserError: as `import_base`.
    """
    target = import_base(recipe)
    if isinstance(target, EnvSpec):
        return target
    spec = gym.registry.get(target)
    if spec is None:
        namespace, name, version = parse_env_id(target)
        if version is None:
            highest = find_highest_version(namespace, name)
            spec = None if highest is None else gym.registry.get(get_env_id(namespace, name, highest))
    return spec


def batchable(recipe: FamilyRecipe) -> Dynamics | None:
    """Find the batched dynamics of a family's base environment; None where there are none."""
    spec = registered(recipe)
    if spec is None or spec.additional_wrappers or not isinstance(spec.entry_point, str):
        return None
    kwargs = {name: value for name, value in recipe.kwargs.items() if name != _LIMIT}
    return batched_dynamics(spec.entry_point, {**spec.kwargs, **kwargs})


def registered_limit(recipe: FamilyRecipe) -> int:
    """Steps after which `gymnasium.make` truncates the base's episodes; 0 where it sets no limit."""
    spec = registered(recipe)
    limit = recipe.kwargs.get(_LIMIT, spec.max_episode_steps if spec is not None else None)
    return limit if isinstance(limit, int) and limit > 0 else 0


def time_limit(env: gym.Env[Any, Any]) -> int:
    """Steps after which a wrapper truncates an environment's episodes; 0 where none does."""
    limits = []
    env = env.present if isinstance(env, VariantEnv) else env
    while isinstance(env, gym.Wrapper):
        if isinstance(env, gym.wrappers.TimeLimit):
            limits.append(env._max_episode_steps)
        env = env.env
    return min(limits, default=0)
