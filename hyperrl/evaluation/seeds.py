"""Several runs as the seeds of one agent on one family."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from hyperrl.errors import UserError
from hyperrl.recipes import dotted_fields
from hyperrl.store import Run

Kind = Literal["family", "agent"]
_KINDS: tuple[Kind, ...] = ("family", "agent")

MAY_DIFFER: dict[str, Any] = {
    **dict.fromkeys(("about", "actions", "check", "folder"), True),
    "wrappers": {"__all__": {"folder"}},
}
"""Fields of recipes that change no experiment: descriptions, and the folders of modules and files."""


def check_same_experiment(runs: Sequence[Run]) -> None:
    """Raise a UserError unless all runs are of one agent on one family, each given once."""
    if not runs:
        raise UserError("evaluate: at least one run is needed")
    first, paths = runs[0], set()
    for run in runs:
        if run.path.resolve() in paths:
            raise UserError(f"run {str(run.path)!r}: is given twice")
        paths.add(run.path.resolve())
        for kind in _KINDS:
            difference = recipe_difference(kind, first, run)
            if difference is not None:
                raise UserError(
                    f"runs {str(first.path)!r} and {str(run.path)!r} are no seeds of one {kind}:"
                    f" {difference}; evaluate them one by one"
                )


def recipe_difference(kind: Kind, first: Run, second: Run) -> str | None:
    """The first field in which two runs' recipes differ, and how; None where they are the same experiment."""
    recipes = [getattr(run.spec, kind) for run in (first, second)]
    if recipes[0] is recipes[1]:
        return None
    one, other = (dict(dotted_fields(recipe.model_dump(exclude=MAY_DIFFER))) for recipe in recipes)
    for field in {**one, **other}:
        values = one.get(field), other.get(field)
        if values[0] != values[1] and not all(isinstance(value, dict) for value in values):
            listed = any(isinstance(value, list | tuple | dict) for value in values)
            both = "differs" if listed else f"is {values[0]!r} and {values[1]!r}"
            return f"{kind}.{field} {both}"
    return None
