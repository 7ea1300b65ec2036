"""`hyperrl list runs`: the runs below a folder, and how far they are."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hyperrl.cli import console
from hyperrl.errors import UserError

if TYPE_CHECKING:
    from hyperrl.store import Run

_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def list_runs(folder: str | None, as_json: bool) -> None:
    """Print the runs in a folder and below it; where a run has a broken file, print what is wrong."""
    from hyperrl.store import fault, runs_below

    root = Path(folder or "runs")
    if not root.is_dir():
        where = "" if root.is_absolute() else f" in {str(Path.cwd())!r}"
        raise UserError(f"list runs: {str(root)!r}: no such directory{where}")
    rows: list[dict[str, Any]] = []
    broken: list[dict[str, str]] = []
    for path, run in runs_below(root):
        error = str(run) if isinstance(run, UserError) else run.state != "running" and fault(run)
        if isinstance(run, UserError) or error:
            broken.append({"run": str(path), "error": str(error)})
        else:
            rows.append(_row(run))
    if as_json:
        console.json_object({"runs": rows, "broken": broken})
        return
    if rows:
        _print(rows)
    for each in broken:
        prefix = "" if each["run"] in each["error"] else f"{each['run']}: "
        console.line(f"broken: {prefix}{each['error']}")
    if not rows and not broken:
        console.line(f"no runs in {root}")


def _row(run: "Run") -> dict[str, Any]:
    """One run for scripts.

    `steps` are those of the newest checkpoint, `planned` those that it was started for; `returns` are mean
    returns by split, and `weights` says whose: the checkpoint that the evaluation at the end played, or
    `training` for the last evaluation during training; `age` are the seconds since the newest checkpoint.
    """
    status, spec, state = run.status, run.spec, run.state
    weights, returns = _returns(run, state)
    return {
        "run": str(run.path),
        "family": spec.family.name,
        "agent": spec.agent.name,
        "seed": spec.seed,
        "state": state,
        "steps": status.steps,
        "planned": spec.steps,
        "returns": returns,
        "weights": weights,
        "age": max(time.time() - status.updated, 0.0) if status.updated else None,
    }


def _returns(run: "Run", state: str) -> tuple[str | None, dict[str, float]]:
    match run.evaluation("final") if state == "finished" else None:
        case {"splits": dict(splits), "checkpoint": {"name": str(name)}}:
            means = {split: part.get("mean") for split, part in splits.items() if isinstance(part, dict)}
            return name, {split: mean for split, mean in means.items() if isinstance(mean, float)}
    returns = run.last_values("zero_shot/")
    return ("training" if returns else None), returns


def _print(rows: list[dict[str, Any]]) -> None:
    from hyperrl.recipes import SPLITS

    splits = [split for split in SPLITS if any(split in row["returns"] for row in rows)]
    returns = [f"{split} return" for split in splits]
    columns = ["family", "agent", "seed", "steps", "planned", "state", "weights", *returns, "age", "run"]
    cells = (
        [
            *(row["family"], row["agent"], str(row["seed"]), f"{row['steps']:,}", f"{row['planned']:,}"),
            *(row["state"], row["weights"] or "-"),
            *(console.number(row["returns"].get(split)) for split in splits),
            *(_age(row["age"]), row["run"]),
        ]
        for row in rows
    )
    console.table(columns, cells, numbers=["seed", "steps", "planned", *returns, "age"])


def _age(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    unit, length = next((each for each in _UNITS if seconds >= each[1]), _UNITS[-1])
    return f"{seconds / length:.0f} {unit}"
