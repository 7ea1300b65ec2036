"""`hyperrl list`: the names that the other commands take, and the runs that they left."""

import re
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from hyperrl.cli import runs, show
from hyperrl.errors import UserError, nearest

if TYPE_CHECKING:
    from hyperrl.recipes import AgentRecipe, FamilyRecipe

_KINDS: tuple[Literal["agents", "envs"], ...] = ("agents", "envs")


def list_all(
    kind: Annotated[str | None, typer.Argument(metavar="[agents|envs|runs]", help="One kind alone.")] = None,
    folder: Annotated[
        str | None, typer.Argument(metavar="[DIR]", help="Of runs: where they lie. [default: runs]")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Of runs: print one JSON object and nothing else.")
    ] = False,
) -> None:
    """List the agents and the environment families that there are, or the runs.

    An agent fits the families of its own kind of actions, or all. Of a family whose environment cannot be
    made here the actions are not known (?).
    """
    if kind == "runs":
        runs.list_runs(folder, as_json)
        return
    if kind is not None and kind not in _KINDS:
        raise UserError(f"list: unknown kind {kind!r}{nearest(kind, (*_KINDS, 'runs'))}")
    for what, given in (("DIR", folder), ("--json", as_json)):
        if given:
            raise UserError(f"list: {what} is for `list runs` alone")
    _list_recipes(kind)


def _list_recipes(kind: str | None) -> None:
    from hyperrl.recipes import load_agent, load_family, shipped

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
