"""Prints tables, text and numbers to read, on a terminal and in a pipe alike."""

import json
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

_NEVER_WRAPS = 100_000
_MIN_ABOUT = 20


def console(*, stderr: bool = False) -> Console:
    """A console that wraps to a terminal's width; in a pipe it never wraps, colors or cuts."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else _NEVER_WRAPS
    return Console(file=stream, width=width, markup=False, highlight=False, emoji=False)


def line(text: str = "") -> None:
    """Print one line without breaking it, so that a path in it can be copied."""
    console().print(text, soft_wrap=True)


def prose(text: str) -> None:
    """Print text, broken between words at a terminal's width."""
    console().print(text)


def heading(text: str) -> None:
    """Print a section's heading after an empty line."""
    line()
    console().print(text, style="bold", soft_wrap=True)


def json_object(value: Mapping[str, Any]) -> None:
    """Print one JSON object on one line."""
    sys.stdout.write(json.dumps(value, allow_nan=False) + "\n")


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: Iterable[str] = ()) -> None:
    """Print rows below their columns' names; those in `numbers` are right-aligned, only the last wraps."""
    right = set(numbers)
    grid = Table(box=box.SIMPLE_HEAD if sys.stdout.isatty() else None, show_edge=False, pad_edge=False)
    for index, column in enumerate(columns):
        grid.add_column(
            column,
            justify="right" if column in right else "left",
            overflow="fold",
            no_wrap=index < len(columns) - 1,
        )
    _print_grid(grid, rows)


def pairs(rows: Iterable[Sequence[str]]) -> None:
    """Print names with their values beside them, without a heading."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column()
    grid.add_column(overflow="fold")
    _print_grid(grid, rows)


def names(column: str, rows: Sequence[tuple[str, str, str]]) -> None:
    """Print names, the actions that they are for and what they are, each on one line.

    A narrow terminal cuts what they are; a very narrow one leaves the actions out.
    """
    room = console().width - max((len(name) for name, _, _ in rows), default=0) - 3
    width = max(map(len, ("actions", *(actions for _, actions, _ in rows)))) + 2
    with_actions = room - width >= _MIN_ABOUT
    room -= width * with_actions
    cells = (
        [name, *[actions] * with_actions, textwrap.shorten(about, room, placeholder=" …")]
        for name, actions, about in rows
    )
    table([column, *["actions"] * with_actions, "about"], cells)


def _print_grid(grid: Table, rows: Iterable[Sequence[str]]) -> None:
    for row in rows:
        grid.add_row(*row)
    target = console()
    with target.capture() as captured:
        target.print(grid)
    sys.stdout.write("".join(f"{text.rstrip()}\n" for text in captured.get().splitlines()))


def number(value: float | None, digits: int = 4) -> str:
    """A number with as many significant digits as help; "-" for None."""
    if value is None:
        return "-"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.{digits}g}" if abs(value) >= 1e-12 else "0"


def count(number: int, thing: str) -> str:
    """A number of things: "1 task", "1,000 tasks"."""
    return f"{number:,} {thing}{'s' * (number != 1)}"
