"""`hyperrl list`: the names that the other commands take."""

import re
from typing import Annotated, Literal

import typer

from hyperrl.cli import show
from hyperrl.errors import UserError, nearest

_KINDS: tuple[Literal["agents", "envs"], ...] = ("agents", "envs")


def list_recipes(
    kind: Annotated[str | None, typer.Argument(metavar="[agents|envs]", help="One kind alone.")] = None,
) -> None:
    """List the agents and the environment families that there are."""
    from hyperrl.recipes import load_agent, load_family, shipped

    if kind is not None and kind not in _KINDS:
        raise UserError(f"list: unknown kind {kind!r}{nearest(kind, _KINDS)}")
    for each in _KINDS:
        if kind in (None, each):
            load = load_agent if each == "agents" else load_family
            show.names(each, {name: _first_sentence(load(name).about) for name in sorted(shipped(each))})
            if kind is None and each != _KINDS[-1]:
                show.line()


def _first_sentence(text: str) -> str:
    return re.split(r"(?<=\.)\s+(?=[A-Z])", text, maxsplit=1)[0]
