"""`hyperrl list`: agents and families, which fit which, and the runs in a folder."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, cast

from hyperrl.cli import console, options, runs
from hyperrl.cli.options import argument, option
from hyperrl.errors import UserError, check_known
from hyperrl.shipped import Kind, shipped

if TYPE_CHECKING:
    from hyperrl.recipes import AgentRecipe, FamilyRecipe

_KINDS: tuple[Kind, ...] = ("agents", "envs")
_UNKNOWN = "?"


def list_all(
    kind: Annotated[
        str | None,
        argument(
            "agents|envs|runs", "What to list; envs are the environment families. [default: agents, envs]"
        ),
    ] = None,
    folder: Annotated[str | None, argument("DIR", "With runs: the folder to search. [default: runs]")] = None,
    fits: Annotated[
        str | None,
        option(
            "NAME",
            "List the agents that can learn this family, or the families that this agent can learn.",
            autocompletion=options.complete_recipe,
        ),
    ] = None,
    as_json: options.Json = False,
) -> None:
    """List agents, environment families or runs.

    An agent is for continuous actions, for discrete ones, or for any. The actions of a family are unknown (?)
    where its environment cannot be made here, or imports a file that this machine has not trained with.
    """
    if kind == "runs":
        if fits is not None:
            raise UserError("list: --fits is for agents and families; found `list runs`")
        runs.list_runs(folder, as_json)
        return
    check_known("list", "kind", [kind] if kind else [], (*_KINDS, "runs"))
    if folder is not None:
        raise UserError("list: DIR is for `list runs` alone")
    kinds = tuple(each for each in _KINDS if kind in (None, each))
    rows = {each: _rows(each) for each in kinds} if fits is None else _fitting(fits, kinds)
    if as_json:
        console.json_object({each: _json(each, listed) for each, listed in rows.items()})
        return
    for index, (each, listed) in enumerate(rows.items()):
        if index:
            console.line()
        lines = ((row.recipe.name, row.actions, _first_sentence(row.recipe.about)) for row in listed)
        console.names(each, list(lines))


@dataclass(frozen=True)
class _Row:
    """An agent or a family, and the actions that it is for."""

    recipe: "AgentRecipe | FamilyRecipe"
    actions: str


def _rows(kind: Kind) -> list[_Row]:
    from hyperrl.recipes import load_agent, load_family

    load = load_agent if kind == "agents" else load_family
    return [_row(load(name)) for name in sorted(shipped(kind))]


def _row(recipe: "AgentRecipe | FamilyRecipe") -> _Row:
    from hyperrl.recipes import AgentRecipe

    if isinstance(recipe, AgentRecipe):
        return _Row(recipe, recipe.algorithm.actions)
    from hyperrl.store.trust import may_import
    from hyperrl.tasks import Family
    from hyperrl.tasks.actions import kind_of

    try:
        return _Row(recipe, kind_of(Family(recipe).action_space) if may_import(recipe) else _UNKNOWN)
    except UserError:
        return _Row(recipe, _UNKNOWN)


def _fitting(name: str, kinds: tuple[Kind, ...]) -> dict[Kind, list[_Row]]:
    """The agents that fit a family, or the families that fit an agent."""
    from hyperrl.cli.recipe import load
    from hyperrl.recipes import AgentRecipe

    row = _row(load(name))
    kind: Kind = "envs" if isinstance(row.recipe, AgentRecipe) else "agents"
    if kind not in kinds:
        raise UserError(f"list: found {kinds[0]} with --fits {name}; allowed: {kind}, or neither")
    if row.actions == _UNKNOWN:
        raise UserError(
            f"list: --fits {name}: its actions are not known, as its environment was not made here"
            " (see `hyperrl list --help`)"
        )
    pairs = [(each, (row, each) if kind == "envs" else (each, row)) for each in _rows(kind)]
    return {kind: [each for each, (agent, family) in pairs if _fit(agent, family)]}


def _fit(agent: _Row, family: _Row) -> bool:
    """Whether an agent can learn a family."""
    from hyperrl.tasks.actions import fits

    return fits(cast("AgentRecipe", agent.recipe), family.actions)


def _json(kind: Kind, rows: list[_Row]) -> list[dict[str, Any]]:
    """Rows for scripts; a family also has the agents that fit it."""
    agents = _rows("agents") if kind == "envs" else []
    objects: list[dict[str, Any]] = []
    for row in rows:
        actions = None if row.actions == _UNKNOWN else row.actions
        objects.append({"name": row.recipe.name, "actions": actions, "about": row.recipe.about})
        if kind == "envs":
            fit = [each.recipe.name for each in agents if _fit(each, row)]
            objects[-1]["fits"] = fit if actions else None
    return objects


def _first_sentence(text: str) -> str:
    return re.split(r"(?<=\.)\s+(?=[A-Z])", text, maxsplit=1)[0]
