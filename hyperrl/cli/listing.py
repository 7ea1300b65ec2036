"""`hyperrl list`: agents and families, which fit which, and the runs in a folder."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from hyperrl.actions import ACTIONS, KINDS, fits
from hyperrl.cli import console, options, runs
from hyperrl.cli.options import argument, option
from hyperrl.errors import BaseEnvironmentError, UserError, check_known
from hyperrl.extras import EXTRAS, is_missing
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

    An agent is for continuous actions, for discrete ones, for masked ones, or for any. The actions of a
    family are masked where its environment tells which are valid. They are unknown (?)
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
        lines = ((row.name, row.actions, _first_sentence(row.about)) for row in listed)
        console.names(each, list(lines))


@dataclass(frozen=True)
class _Row:
    """An agent or a family.

    Attributes:
        name: its name.
        actions: the kind of actions that it is for.
        about: what it is, in words.
    """

    name: str
    actions: str
    about: str


def _rows(kind: Kind) -> list[_Row]:
    return [_declared(name, path) or _row(_load(name)) for name, path in shipped(kind).items()]


def _declared(name: str, path: Path) -> _Row | None:
    """The row of a shipped recipe, from the text of a few fields; None where these do not suffice.

    Tests validate the shipped files. To validate them all again, and to make the environments of all
    families, would take several times as long as the rest of the command.
    """
    import yaml  # after `hyperrl --help`, which needs none of it

    try:
        fields = yaml.load(path.read_text("utf-8"), Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader))
    except (yaml.YAMLError, UnicodeDecodeError):
        return None
    match fields:
        case {"name": _}:
            return None
        case {"about": str(about), "algorithm": {"name": str(algorithm)}} if algorithm in ACTIONS:
            return _Row(name, ACTIONS[algorithm], about)
        case {"about": str(about), "actions": str(actions)} if actions in KINDS:
            extra = fields.get("extra")
            if extra is None or extra in EXTRAS:
                return _Row(name, _UNKNOWN if is_missing(extra) else actions, about)
    return None


def _load(name_or_path: str) -> "AgentRecipe | FamilyRecipe":
    from hyperrl.cli.recipe import load

    return load(name_or_path)


def _row(recipe: "AgentRecipe | FamilyRecipe") -> _Row:
    from hyperrl.recipes import AgentRecipe

    actions = recipe.algorithm.actions if isinstance(recipe, AgentRecipe) else _actions_of(recipe)
    return _Row(recipe.name, actions, recipe.about)


def _actions_of(family: "FamilyRecipe") -> str:
    from hyperrl.store.trust import may_import
    from hyperrl.tasks import Family
    from hyperrl.tasks.actions import kind_of_family

    if is_missing(family.extra):
        return _UNKNOWN
    if family.actions is not None:
        return family.actions
    try:
        return kind_of_family(Family(family)) if may_import(family) else _UNKNOWN
    except (UserError, BaseEnvironmentError):
        return _UNKNOWN


def _fitting(name: str, kinds: tuple[Kind, ...]) -> dict[Kind, list[_Row]]:
    """The agents that fit a family, or the families that fit an agent."""
    from hyperrl.recipes import AgentRecipe

    recipe = _load(name)
    row, is_agent = _row(recipe), isinstance(recipe, AgentRecipe)
    kind: Kind = "envs" if is_agent else "agents"
    if kind not in kinds:
        raise UserError(f"list: found {kinds[0]} with --fits {name}; allowed: {kind}, or neither")
    if row.actions == _UNKNOWN:
        raise UserError(
            f"list: --fits {name}: its actions are not known, as its environment was not made here"
            " (see `hyperrl list --help`)"
        )
    return {kind: [each for each in _rows(kind) if (_fit(row, each) if is_agent else _fit(each, row))]}


def _fit(agent: _Row, family: _Row) -> bool:
    """Whether an agent can learn a family."""
    return fits(agent.actions, family.actions)


def _json(kind: Kind, rows: list[_Row]) -> list[dict[str, Any]]:
    """Rows for scripts; a family also has the agents that fit it."""
    agents = _rows("agents") if kind == "envs" else []
    objects: list[dict[str, Any]] = []
    for row in rows:
        actions = None if row.actions == _UNKNOWN else row.actions
        objects.append({"name": row.name, "actions": actions, "about": row.about})
        if kind == "envs":
            fit = [each.name for each in agents if _fit(each, row)]
            objects[-1]["fits"] = fit if actions else None
    return objects


def _first_sentence(text: str) -> str:
    return re.split(r"(?<=\.)\s+(?=[A-Z])", text, maxsplit=1)[0]
