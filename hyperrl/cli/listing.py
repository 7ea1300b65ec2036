"""`hyperrl list`: the names that the other commands take."""

import re
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from hyperrl.cli import show
from hyperrl.errors import UserError, nearest

if TYPE_CHECKING:
    from hyperrl.recipes import AgentRecipe, FamilyRecipe

_KINDS: tuple[Literal["agents", "envs"], ...] = ("agents", "envs")


def list_recipes(
    kind: Annotated[str | None, typer.Argument(metavar="[agents|envs]", help="One kind alone.")] = None,
) -> None:
    """List the agents and the environment families that there are.

    An agent fits the families of its own kind of actions, or all. Of a family whose environment cannot be
    made here the actions are not known (?).
    """
    from hyperrl.recipes import load_agent, load_family, shipped

    if kind is not None and kind not in _KINDS:
        raise UserError(f"list: unknown kind {kind!r}{nearest(kind, _KINDS)}")
    for each in _KINDS:
        if kind in (None, each):
            load = load_agent if each == "agents" else load_family
            found = {name: load(name) for name in sorted(shipped(each))}
            show.names(
                each,
                {name: _first_sentence(recipe.about) for name, recipe in found.items()},
                {name: _actions(recipe) for name, recipe in found.items()},
            )
            if kind is None and each != _KINDS[-1]:
                show.line()


def _actions(recipe: "AgentRecipe | FamilyRecipe") -> str:
    from hyperrl.recipes import AgentRecipe

    if isinstance(recipe, AgentRecipe):
        return recipe.algorithm.actions
    from hyperrl.tasks import Family
    from hyperrl.tasks.actions import kind_of

    if ":" in recipe.base:
        return "?"
    try:
        return kind_of(Family(recipe).action_space)
    except UserError:
        return "?"


def _first_sentence(text: str) -> str:
    return re.split(r"(?<=\.)\s+(?=[A-Z])", text, maxsplit=1)[0]
