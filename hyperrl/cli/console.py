"""Tables and numbers as a person reads them, on a terminal and in a pipe alike."""

import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from rich import box
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from hyperrl.evaluation import TaskResult
    from hyperrl.store import Run

_NEVER_WRAPS = 100_000
_TASKS_SHOWN = 50
_LEAST_ABOUT = 20


def console(*, stderr: bool = False) -> Console:
    """A console that wraps to a terminal's width and, in a pipe, never wraps, colors or cuts."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else _NEVER_WRAPS
    return Console(file=stream, width=width, markup=False, highlight=False, emoji=False)


def line(text: str = "") -> None:
    """Print one line, left whole so that a path in it can be copied."""
    console().print(text, soft_wrap=True)


def prose(text: str) -> None:
    """Print text, broken between words at a terminal's width."""
    console().print(text)


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: Iterable[str] = ()) -> None:
    """Print rows under their columns' names; those in `numbers` are set right, only the last wraps."""
    right = set(numbers)
    ruled = box.SIMPLE_HEAD if sys.stdout.isatty() else None
    printed = Table(box=ruled, show_edge=False, pad_edge=False)
    for index, column in enumerate(columns):
        justify: Literal["left", "right"] = "right" if column in right else "left"
        printed.add_column(column, justify=justify, overflow="fold", no_wrap=index < len(columns) - 1)
    for row in rows:
        printed.add_row(*row)
    _print(printed)


def names(column: str, found: Mapping[str, str], actions: Mapping[str, str]) -> None:
    """Print names with their actions and what they are, each on one line.

    A terminal that is too narrow shows less of what they are; where that leaves next to nothing, no actions.
    """
    left = console().width - max(map(len, found), default=0) - 3
    wide = max(map(len, ("actions", *actions.values()))) + 2
    shown = [actions] if left - wide >= _LEAST_ABOUT else []
    left -= wide * len(shown)
    rows = [
        (name, *(each[name] for each in shown), textwrap.shorten(about, left, placeholder=" …"))
        for name, about in found.items()
    ]
    table([column, *["actions"] * len(shown), "about"], rows)


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


def evaluation(found: Mapping[str, Any]) -> None:
    """Print how an evaluation was played, the return per split, and each split's worst task.

    Args:
        found: the object of `hyperrl evaluate --json`.
    """
    line(how(found))
    if found["splits"]:
        line()
        splits(found["splits"])
        line()
        worst(found["splits"])


def how(found: Mapping[str, Any]) -> str:
    """How an evaluation was played: weights, episodes, actions and starts."""
    parts = found.get("runs", [found])
    named = dict.fromkeys((part["checkpoint"]["name"], part["checkpoint"]["steps"]) for part in parts)
    weights = ", ".join(f"checkpoint {name!r} of {steps:,} steps" for name, steps in named)
    episodes = f"{found['episodes']} episode{'s' * (found['episodes'] != 1)} per task"
    actions = "most likely actions" if found["deterministic"] else "drawn actions"
    hidden = f", {', '.join(found['hidden'])} hidden from the agent" if found["hidden"] else ""
    left = f"; {found['left_out']} tasks left out, as the training is short" if found["left_out"] else ""
    return f"{weights}: {episodes}, {actions}, start seed {found['start_seed']}{hidden}{left}"


def note_missing_best(run: "Run", checkpoint: str | None) -> None:
    """Say on stderr that a run has no best weights, where none are named and its latest play instead."""
    names = run.checkpoints()
    if checkpoint is None and "best" not in names and "latest" in names:
        console(stderr=True).print(
            f"note: run {str(run.path)!r} has no checkpoint 'best'; 'latest' plays", soft_wrap=True
        )


def splits(found: Mapping[str, Mapping[str, Any]]) -> None:
    """Print the mean return per split, how sure it is, and the best known one where there is any.

    Args:
        found: `splits` of `hyperrl evaluate --json`.
    """
    known = any(split["oracle"] is not None for split in found.values())
    columns = ["split", "tasks", "return", "95 % interval", "std. error", "IQM"]
    columns += ["optimum", "of optimum"] if known else []
    rows = (
        [
            name,
            str(split["tasks"]),
            number(split["mean"]),
            _interval(split),
            number(split["stderr"]),
            number(split["iqm"]),
            *([number(split["oracle"]), _share(split["mean"], split["oracle"])] if known else []),
        ]
        for name, split in found.items()
    )
    table(columns, rows, numbers=columns[1:])


def worst(found: Mapping[str, Mapping[str, Any]]) -> None:
    """Print the task of each split that the agent does worst on, which a mean over tasks hides.

    Args:
        found: `splits` of `hyperrl evaluate --json`.
    """
    from hyperrl.tasks.contexts import assignment

    tasks = {name: split["worst"] for name, split in found.items()}
    known = any(task["oracle"] is not None for task in tasks.values())
    several = any("seed" in task for task in tasks.values())
    columns = ["worst", "return", *["of optimum"] * known, *["seed"] * several]
    rows = (
        [
            f"of {name}",
            number(task["mean"]),
            *[_share(task["mean"], task["oracle"])] * known,
            *[str(task.get("seed", ""))] * several,
            assignment(task["context"], 4),
        ]
        for name, task in tasks.items()
    )
    table([*columns, "task"], rows, numbers=columns[1:])


def _interval(split: Mapping[str, Any]) -> str:
    return "-" if split["low"] is None else f"{number(split['low'])} to {number(split['high'])}"


def _share(mean: float, best: float | None) -> str:
    return f"{mean / best:.1%}" if best is not None and best > 0 else "-"


def tasks(found: "Iterable[TaskResult]") -> None:
    """Print the mean return of each task, how it lies to the training tasks, and the best known return."""
    found = list(found)
    if len(found) > _TASKS_SHOWN:
        _task_kinds(found)
        return
    from hyperrl.tasks.contexts import assignment

    known = any(task.oracle is not None for task in found)
    columns = ["task", "kind", "return", *(["optimum"] if known else [])]
    rows = (
        [assignment(task.context), task.split, number(task.mean), *([number(task.oracle)] if known else [])]
        for task in found
    )
    table(columns, rows, numbers=columns[2:])


def _task_kinds(found: "Sequence[TaskResult]") -> None:
    """Where the tasks are too many to print: how they did, kind by kind."""
    from hyperrl.tasks.contexts import assignment

    columns = ["kind", "tasks", "return", "least", "at", "most", "at"]
    rows = []
    for kind in dict.fromkeys(task.split for task in found):
        of_kind = sorted((task for task in found if task.split == kind), key=lambda task: task.mean)
        ends = [
            cell
            for task in (of_kind[0], of_kind[-1])
            for cell in (number(task.mean), assignment(task.context))
        ]
        mean = sum(task.mean for task in of_kind) / len(of_kind)
        rows.append([kind, str(len(of_kind)), number(mean), *ends])
    table(columns, rows, numbers=["tasks", "return", "least", "most"])


def number(value: float | None, digits: int = 4) -> str:
    """A number with as many significant digits as help; "-" for None."""
    if value is None:
        return "-"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.{digits}g}" if abs(value) >= 1e-12 else "0"
