"""Loads the recipes that arguments name: an agent or a family, or an agent for a family."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hyperrl.errors import UserError, did_you_mean
from hyperrl.recipes import AgentRecipe, FamilyRecipe, load_agent, load_family, read_yaml, resolve, shipped
from hyperrl.recipes.catalog import is_environment

if TYPE_CHECKING:
    from hyperrl.tasks import Family


def load(name_or_path: str) -> AgentRecipe | FamilyRecipe:
    """Load an agent or a family, as the name or the fields of the file say.

    Raises:
        UserError: no such name or file, or a recipe that is not valid.
    """
    agents, families = shipped("agents"), shipped("envs")
    if is_environment(name_or_path) or name_or_path in families:
        return load_family(name_or_path)  # Its error says how an environment becomes a family.
    if name_or_path in agents:
        return load_agent(name_or_path)
    if "/" not in name_or_path and not name_or_path.endswith((".yaml", ".yml")):
        near = did_you_mean(name_or_path, [*agents, *families])
        raise UserError(f"no agent or family {name_or_path!r}{near} (`hyperrl list` shows them all)")
    data = read_yaml(Path(name_or_path))
    fields = set(data) if isinstance(data, Mapping) else set()
    of_family, of_agent = (fields & set(kind.model_fields) for kind in (FamilyRecipe, AgentRecipe))
    return load_family(name_or_path) if len(of_family) > len(of_agent) else load_agent(name_or_path)


def load_pair(agent: str, family: str, overrides: Sequence[str]) -> "tuple[AgentRecipe, Family]":
    """Load an agent, with overrides of its fields, and a family that it can learn, as the agent sees it.

    Raises:
        UserError: a recipe that is missing or not valid, actions that the algorithm is not for, or an
            environment that cannot be made: before seconds go into loading torch.
    """
    from hyperrl.tasks import Family
    from hyperrl.tasks.actions import refuse_family

    tasks = Family.load(family)
    recipe = resolve(load_agent(agent), tasks.recipe, overrides)
    tasks = tasks.for_agent(recipe)
    refuse_family(recipe, tasks)
    tasks.make().close()
    return recipe, tasks
