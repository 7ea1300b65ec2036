"""Tables and numbers as a person reads them, on a terminal and in a pipe alike."""

import sys
from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console
from rich.table import Table

_NEVER_WRAPS = 100_000


def console(*, stderr: bool = False) -> Console:
    """A console that wraps to a terminal's width and, in a pipe, never wraps, colours or cuts."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else _NEVER_WRAPS
    return Console(file=stream, width=width, markup=False, highlight=False, emoji=False)


def line(text: str = "") -> None:
    """Print one line, left whole so that a path in it can be copied."""
    console().print(text, soft_wrap=True)


def prose(text: str) -> None:
    """Print text, broken between words at a terminal's width."""
    console().print(text)


def table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: Iterable[str] = (), cut: bool = False
) -> None:
    """Print rows under their columns' names; the columns in `numbers` are set right.

    With `cut`, a row takes one line: a terminal that is too narrow shows less of it.
    """
    right = set(numbers)
    ruled = box.SIMPLE_HEAD if sys.stdout.isatty() else None
    printed = Table(box=ruled, show_edge=False, pad_edge=False)
    for column in columns:
        printed.add_column(
            column,
            justify="right" if column in right else "left",
            overflow="ellipsis" if cut else "fold",
            no_wrap=cut,
        )
    for row in rows:
        printed.add_row(*row)
    _print(printed)


def pairs(rows: Iterable[tuple[str, str]]) -> None:
    """Print names with their values beside them, without a heading."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column()
    grid.add_column(overflow="fold")
    for name, value in rows:
        grid.add_row(name, value)
    _print(grid)


def _print(printed: Table) -> None:
    shown = console()
    with shown.capture() as captured:
        shown.print(printed)
    sys.stdout.write("".join(f"{text.rstrip()}\n" for text in captured.get().splitlines()))


def heading(text: str) -> None:
    """Print a section's heading after an empty line."""
    line()
    console().print(text, style="bold", soft_wrap=True)


def number(value: float | None, digits: int = 4) -> str:
    """A number with as many significant digits as help; "-" for None."""
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:.{digits}g}"


def assignment(context: dict[str, float]) -> str:
    """A context as the command line takes it: `k=v,k=v`."""
    return ",".join(f"{name}={value:g}" for name, value in context.items())
