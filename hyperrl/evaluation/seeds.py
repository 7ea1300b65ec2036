"""Several runs as the seeds of one agent on one family."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import BaseModel

from hyperrl.errors import UserError
from hyperrl.store import Run


def check_same_experiment(runs: Sequence[Run]) -> None:
    """Raise a UserError unless all runs are of one agent on one family, each given once.

    Descriptions may differ, and so may the folder of the family's module.
    """
    if not runs:
        raise UserError("evaluate: at least one run is needed")
    first, paths = runs[0], set()
    for run in runs:
        if run.path.resolve() in paths:
            raise UserError(f"run {str(run.path)!r}: is given twice")
        paths.add(run.path.resolve())
        for kind in ("family", "agent"):
            one, other = (_fields(getattr(each.spec, kind)) for each in (first, run))
            for field in {**one, **other}:
                if one.get(field) != other.get(field):
                    raise UserError(
                        f"runs {str(first.path)!r} and {str(run.path)!r} are no seeds of one {kind}:"
                        f" {kind}.{field} {_both(one.get(field), other.get(field))}; evaluate them one by one"
                    )


def _fields(recipe: BaseModel) -> dict[str, Any]:
    """The recipe's fields, by dotted names, that make an experiment."""

    def flat(data: dict[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
        for name, value in data.items():
            if isinstance(value, dict):
                yield from flat(value, f"{prefix}{name}.")
            else:
                yield prefix + name, value

    return dict(flat(recipe.model_dump(exclude={"about", "check", "folder"}), ""))


def _both(one: Any, other: Any) -> str:
    """Both values, or of lists that they differ."""
    listed = any(isinstance(value, list | tuple) for value in (one, other))
    return "differs" if listed else f"is {one!r} and {other!r}"
