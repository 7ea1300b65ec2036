"""Imports what a family's `base` names, and says of an id that is not registered what may have been meant."""

import sys
from pathlib import Path
from typing import Any

import gymnasium as gym
from gymnasium.envs.registration import EnvSpec

from hyperrl.errors import did_you_mean
from hyperrl.recipes import FamilyRecipe
from hyperrl.recipes.base_ids import BaseId
from hyperrl.tasks.modules import class_of, import_code


def import_base(recipe: FamilyRecipe) -> str | EnvSpec:
    """Import what `base` names.

    Returns:
        What `gymnasium.make` takes: an id, or the specification of a class.

    Raises:
        UserError: as `import_code`, or there is no such class.
    """
    base, where = recipe.parsed_base, f"{recipe.name}: base {recipe.base!r}"
    if base.imports is None:
        return base.name
    module = import_code(base, where)
    if base.class_name is None:
        return base.name
    entry_point: Any = class_of(module, base.class_name, gym.Env, where)
    return EnvSpec(base.class_name, entry_point=entry_point)


def explain_unregistered(base: BaseId, error: Exception) -> str:
    """What Gymnasium says of an id that is not registered, and the id or class that may have been meant."""
    message = str(error).partition(" Did you mean")[0].rstrip(".")
    if base.file is not None or base.module is None:
        return message + (did_you_mean(base.text, gym.registry) if base.file is None else "")
    module = sys.modules.get(base.module)
    file = Path(getattr(module, "__file__", None) or "")
    if file.stem == base.module and isinstance(getattr(module, base.name, None), type):
        return f"{message}; for the class of this name write 'base: {file.name}:{base.name}'"
    return message
