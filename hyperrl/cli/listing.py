"""`hyperrl list`: the names that the other commands take, which fit which, and the runs that they left."""

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from hyperrl.cli import completion, console, runs
from hyperrl.errors import UserError, check_known

if TYPE_CHECKING:
    from hyperrl.recipes import AgentRecipe, FamilyRecipe

Kind = Literal["agents", "envs"]

_KINDS: tuple[Kind, ...] = ("agents", "envs")
_UNKNOWN = "?"


def list_all(
    kind: Annotated[str | None, typer.Argument(metavar="[agents|envs|runs]", help="One kind alone.")] = None,
    folder: Annotated[
        str | None, typer.Argument(metavar="[DIR]", help="Of runs: where they lie. [default: runs]")
    ] = None,
    fits: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            autocompletion=completion.recipes,
            help="Of a family: the agents that can learn it; of an agent: the families that it can learn.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """List the agents and the environment families that there are, which fit which, or the runs.

    An agent fits the families of its own kind of actions, or all. Of a family whose environment cannot be
    made here, or imports a file that this machine has not trained with, the actions are not known (?).
    """
    if kind == "runs":
        if fits is not None:
            raise UserError("list: --fits is for agents and families; found `list runs`")
        runs.list_runs(folder, as_json)
        return
    if kind is not None:
        check_known("list", "kind", [kind], (*_KINDS, "runs"))
    if folder is not None:
        raise UserError("list: DIR is for `list runs` alone")
    kinds: tuple[Kind, ...] = tuple(each for each in _KINDS if kind in (None, each))
    found = {each: _rows(each) for each in kinds} if fits is None else _fitting(fits, kinds)
    if as_json:
        typer.echo(json.dumps({each: _told(each, rows) for each, rows in found.items()}, allow_nan=False))
        return
    for index, (each, rows) in enumerate(found.items()):
        if index:
            console.line()
        console.names(
            each,
            {row.recipe.name: _first_sentence(row.recipe.about) for row in rows},
            {row.recipe.name: row.actions for row in rows},
        )


@dataclass(frozen=True)
class _Row:
    """An agent or a family, and the actions that it is for."""

    recipe: "AgentRecipe | FamilyRecipe"
    actions: str


def _rows(kind: Kind) -> list[_Row]:
    from hyperrl.recipes import load_agent, load_family, shipped

    load = load_agent if kind == "agents" else load_family
    return [_row(load(name)) for name in sorted(shipped(kind))]


def _row(recipe: "AgentRecipe | FamilyRecipe") -> _Row:
    from hyperrl.recipes import AgentRecipe

    if isinstance(recipe, AgentRecipe):
        return _Row(recipe, recipe.algorithm.actions)
    from hyperrl.store.trust import may_import
    from hyperrl.tasks import Family
    from hyperrl.tasks.actions import kind_of

    if not may_import(recipe):
        return _Row(recipe, _UNKNOWN)
    try:
        return _Row(recipe, kind_of(Family(recipe).action_space))
    except UserError:
        return _Row(recipe, _UNKNOWN)


def _fitting(name: str, kinds: tuple[Kind, ...]) -> dict[Kind, list[_Row]]:
    """The agents that fit a family, or the families that fit an agent."""
    from hyperrl.cli.recipe import load
    from hyperrl.recipes import AgentRecipe

    row = _row(load(name))
    asked: Kind = "envs" if isinstance(row.recipe, AgentRecipe) else "agents"
    if asked not in kinds:
        raise UserError(f"list: found {kinds[0]} with --fits {name}; allowed: {asked}, or neither")
    if row.actions == _UNKNOWN:
        raise UserError(
            f"list: --fits {name}: its actions are not known, as its base is not made here"
            " (see `hyperrl list --help`)"
        )
    return {asked: [each for each in _rows(asked) if _fit(row, each)]}


def _fit(one: _Row, other: _Row) -> bool:
    """Whether they are, in either order, an agent and a family that it can learn."""
    from hyperrl.recipes import AgentRecipe
    from hyperrl.tasks.actions import fits

    agent, family = (one, other) if isinstance(one.recipe, AgentRecipe) else (other, one)
    return isinstance(agent.recipe, AgentRecipe) and fits(agent.recipe, family.actions)


def _told(kind: Kind, rows: list[_Row]) -> list[dict[str, Any]]:
    """Rows for scripts; of each family also the agents that fit it."""
    agents = _rows("agents") if kind == "envs" else []
    told: list[dict[str, Any]] = []
    for row in rows:
        known = row.actions != _UNKNOWN
        actions = row.actions if known else None
        told.append({"name": row.recipe.name, "actions": actions, "about": row.recipe.about})
        if kind == "envs":
            told[-1]["fits"] = [each.recipe.name for each in agents if _fit(row, each)] if known else None
    return told


def _first_sentence(text: str) -> str:
    return re.split(r"(?<=\.)\s+(?=[A-Z])", text, maxsplit=1)[0]
