"""`hyperrl list runs`: the runs below a folder, and how far they are."""

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from hyperrl.cli import show
from hyperrl.errors import UserError

if TYPE_CHECKING:
    from hyperrl.store import Run

SPLITS = ("train", "validation", "interpolation", "extrapolation")
_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


@dataclass(frozen=True)
class Row:
    """What is told of one run.

    Attributes:
        run: its directory.
        state: `finished`, `running` or `killed`.
        steps, planned: environment steps at its newest checkpoint, and those that it was started for.
        returns: mean undiscounted return by split, at the last evaluation while it trained.
        age: seconds since it last wrote a checkpoint; None where it never did.
    """

    run: str
    family: str
    agent: str
    seed: int
    state: str
    steps: int
    planned: int
    returns: dict[str, float]
    age: float | None


def list_runs(folder: str | None, as_json: bool) -> None:
    """Print the runs in a folder and below it; of a broken one what is wrong with it."""
    from hyperrl.store import runs_below

    root = Path(folder or "runs")
    if not root.is_dir():
        raise UserError(f"list runs: {str(root)!r}: no such directory")
    found = list(runs_below(root))
    rows = [_row(run) for _, run in found if not isinstance(run, UserError)]
    broken = {str(path): str(mistake) for path, mistake in found if isinstance(mistake, UserError)}
    if as_json:
        errors = [{"run": path, "error": error} for path, error in broken.items()]
        typer.echo(json.dumps({"runs": [asdict(row) for row in rows], "broken": errors}, allow_nan=False))
        return
    if rows:
        _print(rows)
    for path, error in broken.items():
        show.line(f"broken: {error if path in error else f'{path}: {error}'}")
    if not found:
        show.line(f"no runs in {root}")


def _row(run: "Run") -> Row:
    status, spec = run.status, run.spec
    return Row(
        run=str(run.path),
        family=spec.family.name,
        agent=spec.agent.name,
        seed=spec.seed,
        state=run.state,
        steps=status.steps,
        planned=spec.steps,
        returns=run.last_values("zero_shot/"),
        age=max(time.time() - status.updated, 0.0) if status.updated else None,
    )


def _print(rows: list[Row]) -> None:
    splits = [split for split in SPLITS if any(split in row.returns for row in rows)]
    numbers = ["seed", "steps", "planned", *splits, "age"]
    cells = (
        [
            row.family,
            row.agent,
            str(row.seed),
            f"{row.steps:,}",
            f"{row.planned:,}",
            row.state,
            *(show.number(row.returns.get(split)) for split in splits),
            _age(row.age),
            row.run,
        ]
        for row in rows
    )
    show.table(
        ["family", "agent", "seed", "steps", "planned", "state", *splits, "age", "run"],
        cells,
        numbers=numbers,
    )


def _age(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    unit, length = next((each for each in _UNITS if seconds >= each[1]), _UNITS[-1])
    return f"{seconds / length:.0f} {unit}"
