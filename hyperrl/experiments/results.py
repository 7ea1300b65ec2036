"""Results of runs as small files, which outlive the run directories, and a suite's table of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from hyperrl.evaluation import SplitSummary, TaskResult, summarize
from hyperrl.experiments.jobs import Job
from hyperrl.recipes import SPLITS
from hyperrl.store import atomic_write

FORMAT = 1
_DIGITS = 4
"""Decimal places of returns."""


def task_rows(tasks: Sequence[TaskResult]) -> dict[str, Any]:
    """Tasks of a split as JSON: of each its context's values, its best known return and its returns."""
    return {
        "contexts": [list(map(float, task.context.values())) for task in tasks],
        "oracle": [None if task.oracle is None else round(task.oracle, _DIGITS) for task in tasks],
        "returns": [[round(value, _DIGITS) for value in task.returns] for task in tasks],
        "lengths": [list(task.lengths) for task in tasks],
    }


def write_result(job: Job, result: Mapping[str, Any]) -> None:
    """Write a job's result, one field a line, in place of one that is there.

    Raises:
        OSError: the file cannot be written.
    """
    job.result.parent.mkdir(parents=True, exist_ok=True)
    lines = (f"{json.dumps(name)}: {json.dumps(value, allow_nan=False)}" for name, value in result.items())
    atomic_write(job.result, ("{\n" + ",\n".join(lines) + "\n}\n").encode())


def read_result(job: Job) -> dict[str, Any] | None:
    """A job's result; None where there is none, or one of another recipe."""
    try:
        result = json.loads(job.result.read_bytes())
    except (OSError, ValueError):
        return None
    if isinstance(result, dict) and (result.get("format"), result.get("digest")) == (FORMAT, job.digest):
        return result
    return None


def table(jobs: Sequence[Job]) -> list[dict[str, Any]]:
    """A row for each agent on each family, of the runs that have a result, in the order of the jobs.

    Each row has `family`, `agent`, `runs` (with a result), `planned` (runs) and `splits`: the summaries of
    `hyperrl evaluate --json` over seeds and tasks, empty where no run has a result.
    """
    groups: dict[tuple[str, str], list[Job]] = {}
    for job in jobs:
        groups.setdefault((job.family.name, job.name), []).append(job)
    rows = []
    for (family, agent), group in groups.items():
        results = [result for job in group if (result := read_result(job)) is not None]
        rows.append(
            {
                "family": family,
                "agent": agent,
                "runs": len(results),
                "planned": len(group),
                "splits": _summaries(results),
            }
        )
    return rows


def _summaries(results: Sequence[Mapping[str, Any]]) -> dict[str, SplitSummary]:
    if not results:
        return {}
    return summarize(*map(_tasks, results), seeds=[result["seed"] for result in results])


def _tasks(result: Mapping[str, Any]) -> list[TaskResult]:
    """The tasks of a result, split by split."""
    names, tasks = result["features"], []
    for split in SPLITS:
        rows = result["splits"].get(split)
        if rows is None:
            continue
        columns = (rows["contexts"], rows["returns"], rows["lengths"], rows["oracle"])
        tasks += [
            TaskResult(dict(zip(names, context, strict=True)), split, returns, lengths, oracle)
            for context, returns, lengths, oracle in zip(*columns, strict=True)
        ]
    return tasks
