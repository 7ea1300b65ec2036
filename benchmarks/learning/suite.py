"""Learning results of benchmarks that are no suites: one small JSON file each.

A run is trained, evaluated zero-shot on every split, and leaves a file. Results that have a file are skipped,
so a benchmark goes on where it was, on another machine too; several processes with the same command share the
work. `hyperrl bench` does so for suites.
"""

from __future__ import annotations

import argparse
import csv
import fcntl
import hashlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from hyperrl import api
from hyperrl.errors import UserError
from hyperrl.evaluation import TaskResult
from hyperrl.recipes import SPLITS
from hyperrl.store import Run, atomic_write
from hyperrl.tasks import Family

FORMAT = 1
STARTS = "of each task"
"""How starts are drawn. Results that do not say so are of old: episode e of every task started alike."""

CHECKPOINTS = {"best": "best", "final": "latest"}
"""What is evaluated: the weights with the best validation return, and those after the last update."""


def result_path(root: Path, family: str, agent: str, seed: int) -> Path:
    """Where the result of a run lies."""
    return root / family / agent / f"seed-{seed}.json"


@dataclass(frozen=True)
class Job:
    """A run to make.

    Attributes:
        family: the family's name.
        name: what the result is filed under.
        seed: of the run.
        steps: in place of the recipes'.
        agent: the agent's name where it is not the result's.
        overrides: of its recipe, as `hyperrl train --set` takes them.
    """

    family: str
    name: str
    seed: int
    steps: int | None = None
    agent: str | None = None
    overrides: tuple[str, ...] = ()


def measure(job: Job) -> dict[str, Any]:
    """Train one run in a temporary folder and evaluate it; what is kept of it, as JSON values.

    Raises:
        UserError: an unknown agent or family, or a wrong number or override.
    """
    agent = job.agent or job.name
    with tempfile.TemporaryDirectory(prefix="hyperrl-learning-") as folder:
        wall, cpu = time.perf_counter(), time.process_time()
        run = api.train(
            agent,
            job.family,
            steps=job.steps,
            seed=job.seed,
            overrides=job.overrides,
            out=Path(folder) / "run",
        )
        seconds = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
        tasks = Family(run.spec.family)
        return {
            "format": FORMAT,
            "agent": job.name,
            "family": job.family,
            "seed": job.seed,
            "steps": run.status.steps,
            "planned_steps": run.spec.steps,
            "parameters": _parameters(run),
            "seconds": {kind: round(value, 1) for kind, value in seconds.items()},
            "cores": os.cpu_count(),
            "starts": STARTS,
            "versions": run.spec.versions,
            "commit": run.spec.commit,
            "started": run.spec.started,
            "features": list(tasks.space.names),
            **_evaluations(run, tasks),
            "curve": curve(run.path / "progress.csv"),
            "recipe": {
                "agent": run.spec.agent.model_dump(mode="json", by_alias=True),
                "family": run.spec.family.model_dump(mode="json", by_alias=True, exclude_none=True),
            },
        }


def _parameters(run: Run) -> int:
    policy = api.load(run).model.policy
    return sum(parameter.numel() for parameter in policy.parameters() if parameter.requires_grad)


def _evaluations(run: Run, family: Family) -> dict[str, Any]:
    """Per split the tasks and each checkpoint's returns, played as by `hyperrl evaluate`."""
    splits = [split for split in SPLITS if family.tasks(split)]
    saved = run.checkpoints()  # without the best, where nothing is held out to choose it by
    played = {
        name: api.evaluate(
            run, splits=splits, checkpoint=checkpoint if checkpoint in saved else None, save=False
        )
        for name, checkpoint in CHECKPOINTS.items()
    }
    return {
        "episodes": played["best"].episodes,
        "checkpoint_steps": {name: each.runs[0].checkpoint_steps for name, each in played.items()},
        "splits": {
            split: task_rows({name: _of(split, each.runs[0].split_tasks) for name, each in played.items()})
            for split in splits
        },
    }


def _of(split: str, results: Sequence[TaskResult]) -> list[TaskResult]:
    return [result for result in results if result.split == split]


def task_rows(results: Mapping[str, Sequence[TaskResult]]) -> dict[str, Any]:
    """Contexts as rows of values, oracles, and by name (of a checkpoint) a row of returns per task."""
    tasks = next(iter(results.values()))
    return {
        "contexts": [[float(f"{value:.6g}") for value in task.context.values()] for task in tasks],
        "oracle": [None if task.oracle is None else round(task.oracle, 4) for task in tasks],
        **{name: [[round(r, 4) for r in task.returns] for task in found] for name, found in results.items()},
    }


def curve(progress: Path) -> dict[str, list[float]]:
    """Steps, and the mean return on each split at the zero-shot evaluations of the training."""
    tags = {f"zero_shot/{split}": split for split in SPLITS}
    found: dict[str, list[float]] = {"steps": []}
    with progress.open(newline="") as file:
        for row in csv.DictReader(file):
            values = {split: row[tag] for tag, split in tags.items() if row.get(tag)}
            if values:
                found["steps"].append(int(row["step"]))
                for split, value in values.items():
                    found.setdefault(split, []).append(round(float(value), 4))
    return found


def encode(result: Mapping[str, Any]) -> bytes:
    """A result's file: JSON, one top-level field a line."""
    lines = (f"{json.dumps(key)}: {json.dumps(value, allow_nan=False)}" for key, value in result.items())
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode()


@contextmanager
def _claim(path: Path) -> Iterator[bool]:
    """Whether this process alone is at work on a result; the lock goes with the process."""
    name = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:16]
    with (Path(tempfile.gettempdir()) / f"hyperrl-learning-{name}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield not path.exists()


def _line(result: Mapping[str, Any]) -> str:
    means = []
    held_out = [split for split in ("interpolation", "extrapolation") if split in result["splits"]]
    for split in held_out or ["train"]:
        rows = [r for row in result["splits"].get(split, {}).get("best", []) for r in row]
        if rows:
            means.append(f"{split} {sum(rows) / len(rows):.2f}")
    run = f"{result['family']} {result['agent']} seed {result['seed']}"
    return f"{run}: {', '.join(means)}; {result['steps']} steps in {result['seconds']['wall']:.0f} s"


def comma_separated(*allowed: str) -> Callable[[str], list[str]]:
    """What reads an option such as `ode,cartpole` into a list of names, of those that are allowed."""

    def parse(text: str) -> list[str]:
        names = text.split(",")
        for name in names:
            if name not in allowed:
                raise argparse.ArgumentTypeError(f"found {name!r}; allowed: {', '.join(allowed)}")
        return names

    return parse


def seeds(text: str) -> list[int]:
    """Reads an option such as `100,101` into a list of seeds."""
    try:
        return [int(number) for number in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"found {text!r}; allowed: whole numbers such as 100,101") from None


def work_through(program: str, jobs: Iterable[Job], root: Path) -> int:
    """Measure every job that has no result yet and that no other process is at, a file each below `root`.

    The exit status of the program of that name is returned.
    """
    work = ((result_path(root, job.family, job.name, job.seed), partial(measure, job)) for job in jobs)
    return complete(program, work, _line)


def complete(
    program: str,
    work: Iterable[tuple[Path, Callable[[], dict[str, Any]]]],
    describe: Callable[[Mapping[str, Any]], str],
) -> int:
    """Make every result that has no file yet and that no other process is at.

    Args:
        program: the name of the program, whose exit status is returned.
        work: for each result its file, and what makes it.
        describe: a result as a line to print.
    """
    try:
        for path, make in work:
            with _claim(path) as mine:
                if not mine:
                    continue
                result = make()
                path.parent.mkdir(parents=True, exist_ok=True)
                atomic_write(path, encode(result))
                print(describe(result), flush=True)
    except UserError as error:
        print(f"{program}: error: {error}", file=sys.stderr)
        return 2
    return 0
