"""Agents and families as the Python functions take them: names, paths, recipes, and families themselves."""

from __future__ import annotations

from pathlib import Path

from hyperrl.recipes import AgentRecipe, FamilyRecipe, load_agent
from hyperrl.tasks import Family


def agent_recipe(agent: str | Path | AgentRecipe) -> AgentRecipe:
    """An agent's recipe as it is, or the one of that name or in that file; UserError as `load_agent`."""
    return agent if isinstance(agent, AgentRecipe) else load_agent(str(agent))


def any_family(family: str | Path | Family | FamilyRecipe) -> Family:
    """A family as it is, or of a recipe, of that name or in that file; UserError as `Family.load`."""
    if isinstance(family, Family):
        return family
    return Family(family) if isinstance(family, FamilyRecipe) else Family.load(str(family))
