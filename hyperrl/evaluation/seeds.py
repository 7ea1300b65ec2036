"""Several runs as the seeds of one agent on one family."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hyperrl.errors import UserError
from hyperrl.store import Run


def check_same_experiment(runs: Sequence[Run]) -> None:
    """Raise a UserError unless all are of one agent on one family, each given once.

    Descriptions may differ, and where the family's module lies.
    """
    if not runs:
        raise UserError("evaluate: at least one run is needed")
    first, seen = runs[0], set()
    for run in runs:
        if run.path.resolve() in seen:
            raise UserError(f"run {str(run.path)!r}: is given twice")
        seen.add(run.path.resolve())
        for kind in ("family", "agent"):
            one, other = (
                getattr(each.spec, kind).model_dump(exclude={"about", "check", "folder"})
                for each in (first, run)
            )
            field = _difference(one, other)
            if field is not None:
                raise UserError(
                    f"runs {str(first.path)!r} and {str(run.path)!r} are no seeds of one {kind}:"
                    f" {kind}.{field[0]} {_told(*field[1:])}; evaluate them one by one"
                )


def _told(one: Any, other: Any) -> str:
    """Both values, or of lists and mappings that they differ."""
    if isinstance(one, (list, tuple, dict)) or isinstance(other, (list, tuple, dict)):
        return "differs"
    return f"is {one!r} and {other!r}"


def _difference(one: Any, other: Any, where: str = "") -> tuple[str, Any, Any] | None:
    """The first field in which two dumps of a recipe differ, with both values."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in dict.fromkeys([*one, *other]):
            found = _difference(one.get(key), other.get(key), f"{where}.{key}".lstrip("."))
            if found is not None:
                return found
        return None
    return None if one == other else (where, one, other)
