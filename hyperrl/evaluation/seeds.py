"""Several runs as the seeds of one agent on one family."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hyperrl.errors import UserError
from hyperrl.recipes import dotted_fields
from hyperrl.store import Run

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
        for kind in ("family", "agent"):
            one, other = (
                dict(dotted_fields(getattr(each.spec, kind).model_dump(exclude=MAY_DIFFER)))
                for each in (first, run)
            )
            for field in {**one, **other}:
                values = one.get(field), other.get(field)
                if values[0] != values[1] and not all(isinstance(value, dict) for value in values):
                    listed = any(isinstance(value, list | tuple | dict) for value in values)
                    both = "differs" if listed else f"is {values[0]!r} and {values[1]!r}"
                    raise UserError(
                        f"runs {str(first.path)!r} and {str(run.path)!r} are no seeds of one {kind}:"
                        f" {kind}.{field} {both}; evaluate them one by one"
                    )
