"""What Gymnasium's registry knows of a family's base environment, and makes of it."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import gymnasium as gym
from gymnasium.envs.registration import EnvSpec, find_highest_version, get_env_id, parse_env_id

from hyperrl.errors import NOT_A_FAILURE, UserError
from hyperrl.recipes import FamilyRecipe, load_extra, refuse_missing
from hyperrl.tasks.adapter import reason_of
from hyperrl.tasks.base_modules import explain_unregistered, import_base
from hyperrl.tasks.dynamics import Dynamics, batched_dynamics
from hyperrl.tasks.observation import select
from hyperrl.tasks.simulators.display import draw_without_a_window
from hyperrl.tasks.variants import present_env

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


def make_registered(recipe: FamilyRecipe, kwargs: Mapping[str, Any]) -> gym.Env[Any, Any]:
    """Make a family's base environment by `gymnasium.make`, observed as its recipe says.

    Args:
        recipe: the family's.
        kwargs: keyword arguments that come before the recipe's own.

    Raises:
        UserError: unknown id, unknown module, an extra that is missing, wrong keyword arguments, a
            constructor that fails, or an observation without what the recipe selects.
    """
    refuse_missing(recipe.extra, f"{recipe.name}: base {recipe.base!r}")
    if recipe.extra is not None:
        load_extra(recipe.extra)
    given = {**deepcopy(recipe.kwargs), **kwargs}
    if "render_mode" in given:
        draw_without_a_window()
    target = import_base(recipe)
    try:
        env = gym.make(target, disable_env_checker=True, **given)
    except NOT_A_FAILURE:
        raise
    except BaseException as error:
        if isinstance(error, (gym.error.UnregisteredEnv, ModuleNotFoundError)):
            reason = explain_unregistered(recipe.parsed_base, error)
        else:
            plain = isinstance(error, (gym.error.Error, TypeError, ValueError, AssertionError))
            reason = str(error) if plain else reason_of(error)
        raise UserError(f"{recipe.name}: base {recipe.base!r} cannot be made: {reason}") from error
    return select(env, recipe.observe, flatten=recipe.flatten)


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
    env = present_env(env)
    while isinstance(env, gym.Wrapper):
        if isinstance(env, gym.wrappers.TimeLimit):
            limits.append(env._max_episode_steps)
        env = env.env
    return min(limits, default=0)
