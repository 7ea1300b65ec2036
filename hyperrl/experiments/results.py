"""Results of runs as small files, which outlive the run directories, and a suite's table of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hyperrl.evaluation import SplitSummary, TaskResult, summarize
from hyperrl.experiments.jobs import Job
from hyperrl.experiments.scores import AgentRuns, FamilyRuns, SeedRun
from hyperrl.experiments.specialists import TaskValues, share_of_specialists
from hyperrl.recipes import SPLITS
from hyperrl.store import atomic_write
from hyperrl.tasks import Family

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


def read_result(job: Job, *, outdated: bool = False) -> dict[str, Any] | None:
    """A job's result; None where there is none, one of another recipe, or a file that holds no whole one.

    Args:
        job: the run.
        outdated: also give one of another recipe.
    """
    try:
        result = json.loads(job.result.read_bytes())
    except (OSError, ValueError):
        return None
    if not isinstance(result, dict) or result.get("format") != FORMAT or not _is_whole(result):
        return None
    return result if outdated or result["digest"] == job.digest else None


def _is_whole(result: Mapping[str, Any]) -> bool:
    """Whether a result holds what tables are made of: finite returns of tasks, and which run it is."""
    try:
        tasks = _tasks(result)
        whole = all(isinstance(result[name], int) for name in ("seed", "steps")) and "digest" in result
        return whole and all(task.returns and np.isfinite(task.returns).all() for task in tasks)
    except (AttributeError, KeyError, TypeError, ValueError):
        return False


@dataclass(frozen=True)
class ResultRun(SeedRun):
    """A run of a suite, read from its result.

    Attributes:
        data: the result.
        outdated: whether a recipe, or what else decides the numbers, has changed since.
    """

    data: Mapping[str, Any]
    outdated: bool

    @classmethod
    def of(cls, job: Job) -> ResultRun | None:
        """The run of a job; None where it has no result, or one on other tasks than the family has now."""
        result = read_result(job, outdated=True)
        if result is None:
            return None
        run = cls(result["seed"], result["steps"], _tasks(result), result, result["digest"] != job.digest)
        return None if run.outdated and run.tasks != _tasks_now(job) else run


def family_runs(jobs: Sequence[Job]) -> FamilyRuns[ResultRun] | None:
    """The results that there are of the runs on one family, agents in the order of the jobs.

    Results of a recipe that has changed since stand in for an agent that has no others, if they are on the
    tasks that the family has now.

    Args:
        jobs: the runs, all of one family.

    Returns:
        None where no run has a result.
    """
    found: dict[str, list[ResultRun]] = {}
    for job in jobs:
        if job.specialist_of is None and (run := ResultRun.of(job)) is not None:
            found.setdefault(job.name, []).append(run)
    agents = {}
    for name, runs in found.items():
        valid = [run for run in runs if not run.outdated] or runs
        agents[name] = AgentRuns(name, tuple(sorted(valid, key=lambda run: run.seed)))
    family = jobs[0].family.name
    return FamilyRuns(family, agents, _specialists(jobs, family)) if agents else None


def _tasks_now(job: Job) -> list[tuple[str, tuple[tuple[str, float], ...]]]:
    """Split and context of each task that a run is evaluated on."""
    family = Family(job.family)
    return [(split, tuple(task.items())) for split in SPLITS for task in family.tasks(split)]


def table(jobs: Sequence[Job]) -> list[dict[str, Any]]:
    """A row for each agent on each family, of the runs that have a result, in the order of the jobs.

    Each row has `family`, `agent`, `runs` (with a result), `planned` (runs) and `splits`: the summaries of
    `hyperrl evaluate --json` over seeds and tasks, empty where no run has a result. `of_specialist` has by
    split what `SpecialistShare` tells, where specialists have a result.
    """
    groups: dict[tuple[str, str], list[Job]] = {}
    for job in jobs:
        if job.specialist_of is None:
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
                "of_specialist": _of_specialists(results, _specialists(jobs, family)),
            }
        )
    return rows


def _specialists(jobs: Sequence[Job], family: str) -> dict[TaskValues, float]:
    """The mean return of each specialist of a family that has a result, by the values of its task."""
    found: dict[TaskValues, float] = {}
    for job in jobs:
        of_family = job.task is not None and job.family.name == family
        if of_family and (result := read_result(job)) is not None:
            (played,) = _tasks(result)
            found[tuple(played.context.items())] = played.mean
    return found


def _of_specialists(results: Sequence[Mapping[str, Any]], best: Mapping[TaskValues, float]) -> dict[str, Any]:
    """By split an agent beside the specialists of its family, as JSON; empty where there are none."""
    runs = [_tasks(result) for result in results]
    found = {}
    for split in SPLITS if runs and best else ():
        played = [[task for task in run if task.split == split] for run in runs]
        scores = np.array([[task.mean for task in run] for run in played])
        share = share_of_specialists(scores, [best.get(tuple(task.context.items())) for task in played[0]])
        if share is not None:
            found[split] = share.to_json()
    return found


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
