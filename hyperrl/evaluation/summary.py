"""Returns in numbers: the mean of a split, how sure it is, and the split's worst task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NotRequired, TypedDict

import numpy as np

from hyperrl.evaluation.statistics import iqm, mean_error, start_error, stratified_bootstrap
from hyperrl.evaluation.zero_shot import TaskResult


class WorstTask(TypedDict):
    """The task of a split on which an agent is worst.

    Attributes:
        context: raw value of every feature.
        mean: its mean return, of one run.
        oracle: its best known return, None where none is known.
        of_oracle: its mean return as a part of the oracle, None unless that is above 0.
        seed: of the run, present where there are several.
    """

    context: dict[str, float]
    mean: float
    oracle: float | None
    of_oracle: float | None
    seed: NotRequired[int]


class SplitSummary(TypedDict):
    """One split in numbers.

    Attributes:
        tasks: how many there are.
        episodes: of each task, by each run.
        mean: over the tasks' mean returns (of all runs).
        stderr: standard error of `mean` over runs, tasks and starts (`mean_error`); None for one episode in
            all.
        low: lower end of the 95 % interval of `mean`; None where it is not known.
        high: its upper end.
        stderr_starts: the part of `stderr` that other starts of the same tasks would change; None for one
            episode a task.
        iqm: interquartile mean over the tasks' mean returns of all runs.
        oracle: mean of the tasks' oracles, None unless all are known.
        worst: the task with the least part of its oracle, where those are known for all tasks and
            above 0; else with the lowest mean return. Of several runs, of the one in which it is worst.
        iqm_interval: 95 % stratified bootstrap interval of `iqm` over runs, present where there are several.
    """

    tasks: int
    episodes: int
    mean: float
    stderr: float | None
    low: float | None
    high: float | None
    stderr_starts: float | None
    iqm: float
    oracle: float | None
    worst: WorstTask
    iqm_interval: NotRequired[tuple[float, float]]


def summarize(*runs: Sequence[TaskResult], seeds: Sequence[int] | None = None) -> dict[str, SplitSummary]:
    """Summarize results per split, in the order in which the splits first appear.

    Args:
        runs: the results of one run, or of several runs on the same tasks in the same order.
        seeds: of several runs, by which `worst` names one.

    Raises:
        ValueError: the runs were not evaluated on the same tasks.
    """
    splits = [task.split for task in runs[0]]
    contexts = [task.context for task in runs[0]]
    if any([t.split for t in run] != splits or [t.context for t in run] != contexts for run in runs):
        raise ValueError("the runs were not evaluated on the same tasks in the same order")
    return {
        name: summary_of([[task for task in run if task.split == name] for run in runs], seeds)
        for name in dict.fromkeys(splits)
    }


def summary_of(runs: Sequence[Sequence[TaskResult]], seeds: Sequence[int] | None = None) -> SplitSummary:
    """The results of runs on the same tasks in numbers, whatever splits these are of."""
    returns = np.array([[task.returns for task in run] for run in runs])
    scores = returns.mean(axis=2)
    oracles = [task.oracle for task in runs[0] if task.oracle is not None]
    error = mean_error(returns)
    summary = SplitSummary(
        tasks=returns.shape[1],
        episodes=returns.shape[2],
        mean=float(scores.mean()),
        stderr=error.stderr,
        low=error.low,
        high=error.high,
        stderr_starts=start_error(returns),
        iqm=iqm(scores),
        oracle=float(np.mean(oracles)) if len(oracles) == len(runs[0]) else None,
        worst=_worst(runs, seeds),
    )
    if len(runs) > 1:
        summary["iqm_interval"] = stratified_bootstrap(scores)
    return summary


def worst_of(results: Sequence[TaskResult]) -> TaskResult:
    """The worst result: by the part of the oracle, where all have one above 0, else by return."""
    parts = [result.of_oracle for result in results if result.of_oracle is not None]
    scores = parts if len(parts) == len(results) else [result.mean for result in results]
    return results[int(np.argmin(scores))]


def _worst(runs: Sequence[Sequence[TaskResult]], seeds: Sequence[int] | None) -> WorstTask:
    results = [result for run in runs for result in run]
    task = worst_of(results)
    worst = WorstTask(
        context=dict(task.context), mean=task.mean, oracle=task.oracle, of_oracle=task.of_oracle
    )
    if seeds is not None and len(runs) > 1:
        worst["seed"] = seeds[results.index(task) // len(runs[0])]
    return worst


def pooled(*runs: Sequence[TaskResult]) -> list[TaskResult]:
    """Each task's episodes of all runs, one run after another, as one result."""
    return [
        replace(
            same[0],
            returns=[value for result in same for value in result.returns],
            lengths=[value for result in same for value in result.lengths],
        )
        for same in zip(*runs, strict=True)
    ]
