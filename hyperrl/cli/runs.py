"""`hyperrl list runs`: the runs below a folder, and how far they are."""

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from hyperrl.cli import console
from hyperrl.errors import UserError

if TYPE_CHECKING:
    from hyperrl.store import Run

_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


@dataclass(frozen=True)
class Row:
    """What is told of one run.

    Attributes:
        run: its directory.
        state: `finished`, `running`, `interrupted`, `failed` or `killed`.
        steps, planned: environment steps at its newest checkpoint, and those that it was started for.
        returns: mean undiscounted return by split.
        weights: whose returns they are: of a finished run the checkpoint that the evaluation at its end
            played, as `hyperrl evaluate` does; else `training`: the last evaluation while it trained.
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
    weights: str | None
    age: float | None


def list_runs(folder: str | None, as_json: bool) -> None:
    """Print the runs in a folder and below it; of one with a broken file what is wrong with it."""
    from hyperrl.store import runs_below

    root = Path(folder or "runs")
    if not root.is_dir():
        where = "" if root.is_absolute() else f" in {str(Path.cwd())!r}"
        raise UserError(f"list runs: {str(root)!r}: no such directory{where}")
    found = list(runs_below(root))
    runs = [run for _, run in found if not isinstance(run, UserError)]
    faults = {str(run.path): fault for run in runs if run.state != "running" and (fault := run.fault())}
    rows = [_row(run) for run in runs if str(run.path) not in faults]
    broken = {str(path): str(mistake) for path, mistake in found if isinstance(mistake, UserError)} | faults
    if as_json:
        errors = [{"run": path, "error": error} for path, error in broken.items()]
        typer.echo(json.dumps({"runs": [asdict(row) for row in rows], "broken": errors}, allow_nan=False))
        return
    if rows:
        _print(rows)
    for path, error in broken.items():
        console.line(f"broken: {error if path in error else f'{path}: {error}'}")
    if not found:
        console.line(f"no runs in {root}")


def _row(run: "Run") -> Row:
    status, spec, state = run.status, run.spec, run.state
    weights, returns = _returns(run, state)
    return Row(
        run=str(run.path),
        family=spec.family.name,
        agent=spec.agent.name,
        seed=spec.seed,
        state=state,
        steps=status.steps,
        planned=spec.steps,
        returns=returns,
        weights=weights,
        age=max(time.time() - status.updated, 0.0) if status.updated else None,
    )


def _returns(run: "Run", state: str) -> tuple[str | None, dict[str, float]]:
    """Whose returns are told, and the mean return by split."""
    found = run.evaluation("final") if state == "finished" else None
    match found:
        case {"splits": dict(splits), "checkpoint": {"name": str(name)}}:
            means = {split: part.get("mean") for split, part in splits.items() if isinstance(part, dict)}
            return name, {split: mean for split, mean in means.items() if isinstance(mean, float)}
    seen = run.last_values("zero_shot/")
    return ("training" if seen else None), seen


def _print(rows: list[Row]) -> None:
    from hyperrl.recipes import SPLITS

    splits = [split for split in SPLITS if any(split in row.returns for row in rows)]
    returns = [f"{split} return" for split in splits]
    numbers = ["seed", "steps", "planned", *returns, "age"]
    cells = (
        [
            row.family,
            row.agent,
            str(row.seed),
            f"{row.steps:,}",
            f"{row.planned:,}",
            row.state,
            row.weights or "-",
            *(console.number(row.returns.get(split)) for split in splits),
            _age(row.age),
            row.run,
        ]
        for row in rows
    )
    console.table(
        ["family", "agent", "seed", "steps", "planned", "state", "weights", *returns, "age", "run"],
        cells,
        numbers=numbers,
    )


def _age(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    unit, length = next((each for each in _UNITS if seconds >= each[1]), _UNITS[-1])
    return f"{seconds / length:.0f} {unit}"
