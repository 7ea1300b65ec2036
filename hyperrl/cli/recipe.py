"""Which kind of recipe a name or a file is."""

from collections.abc import Mapping
from pathlib import Path

from hyperrl.errors import UserError, did_you_mean
from hyperrl.recipes import AgentRecipe, FamilyRecipe, load_agent, load_family, read_yaml, shipped
from hyperrl.recipes.catalog import is_environment


def load(name_or_path: str) -> AgentRecipe | FamilyRecipe:
    """Load an agent or a family, whichever the name or the file's fields say.

    Raises:
        UserError: no such name or file, or a recipe that is not valid.
    """
    if is_environment(name_or_path):
        return load_family(name_or_path)  # It says which file makes a family of it.
    if "/" in name_or_path or name_or_path.endswith((".yaml", ".yml")):
        return (
            load_family(name_or_path)
            if _is_family(read_yaml(Path(name_or_path)))
            else load_agent(name_or_path)
        )
    agents, families = shipped("agents"), shipped("envs")
    if name_or_path in agents:
        return load_agent(name_or_path)
    if name_or_path in families:
        return load_family(name_or_path)
    near = did_you_mean(name_or_path, [*agents, *families])
    raise UserError(f"no agent or family {name_or_path!r}{near} (`hyperrl list` shows them all)")


def _is_family(data: object) -> bool:
    fields = set(data) if isinstance(data, Mapping) else set()
    return len(fields & set(FamilyRecipe.model_fields)) > len(fields & set(AgentRecipe.model_fields))
