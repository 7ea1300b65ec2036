"""Collects the final evaluations of runs by family and agent, and refuses those that cannot be compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from hyperrl.errors import UserError
from hyperrl.evaluation import TaskResult
from hyperrl.evaluation.seeds import recipe_difference
from hyperrl.experiments.scores import AgentRuns, FamilyRuns, SeedRun
from hyperrl.experiments.specialists import TaskValues, specialist_task
from hyperrl.recipes import Context
from hyperrl.store import Run, runs_below
from hyperrl.store.locate import require_run
from hyperrl.tasks.splits import task_alone

FINAL = "final"
"""The stored evaluation that comparisons use."""

_CONDITIONS = {
    "start_seed": "starts",
    "episodes": "numbers of episodes",
    "deterministic": "ways of choosing actions",
    "hidden": "hidden features",
    "shuffled_contexts": "observed contexts",
}
"""Fields of an evaluation in which runs that are compared must agree, and what a message calls them."""


@dataclass(frozen=True)
class EvaluatedRun(SeedRun):
    """A run with its final evaluation.

    Attributes:
        run: the run; nothing of its code is imported.
        conditions: how the tasks were played (`_CONDITIONS`).
        checkpoint: name of the checkpoint that played.
    """

    run: Run
    conditions: Mapping[str, Any]
    checkpoint: str


@dataclass(frozen=True)
class LeftOut:
    """A run below a folder that cannot be compared, and why."""

    path: Path
    reason: str


@dataclass(frozen=True)
class Experiments:
    """All runs that were found.

    Attributes:
        families: those that are compared.
        left_out: runs below folders without a final evaluation, and broken ones.
    """

    families: tuple[FamilyRuns[EvaluatedRun], ...]
    left_out: tuple[LeftOut, ...] = field(default=())


def collect(paths: Sequence[Path | str | Run]) -> Experiments:
    """Read runs, and the runs below folders, and group them by family and agent.

    Args:
        paths: runs, their directories, or folders that are searched for runs. A run that is named must have a
            final evaluation; below a folder those without one are left out.

    Raises:
        UserError: no runs; a run without a final evaluation, with a broken one, or given twice; one seed of
            an agent given twice; runs of one agent or family whose recipes differ, or that were evaluated on
            other tasks or starts.
    """
    runs: list[EvaluatedRun] = []
    left_out: list[LeftOut] = []
    for found in _find(paths):
        if isinstance(found, LeftOut):
            left_out.append(found)
        else:
            runs.append(found)
    if not runs:
        reasons = f"; {left_out[0].path}: {left_out[0].reason}" if left_out else ""
        named = ", ".join(str(path) for path in paths) or "nothing"
        raise UserError(f"no runs with a final evaluation in {named}{reasons}")
    by_family: dict[str, list[EvaluatedRun]] = {}
    for run in runs:
        by_family.setdefault(run.run.spec.family.name, []).append(run)
    families = tuple(_family(name, of_family) for name, of_family in by_family.items())
    return Experiments(families, tuple(left_out))


def _find(paths: Sequence[Path | str | Run]) -> Iterator[EvaluatedRun | LeftOut]:
    seen: set[Path] = set()
    for given in paths:
        path = given.path if isinstance(given, Run) else Path(given)
        below = list(runs_below(path)) if path.is_dir() else []
        itself = [each for each in below if each[0] == path]
        named, below = bool(itself), itself or below
        if not below and path.is_dir():
            raise UserError(
                f"folder {str(path)!r}: found no runs; allowed: a run's directory, or a folder with runs"
                " below it (results of suites are none)"
            )
        if not below:
            require_run(path)
        for folder, run in below:
            if folder.resolve() in seen:
                raise UserError(f"run {str(folder)!r}: is given twice")
            seen.add(folder.resolve())
            try:
                if isinstance(run, UserError):
                    raise run
                yield _read(run)
            except UserError as mistake:
                if named:
                    raise
                yield LeftOut(folder, str(mistake))


def _read(run: Run) -> EvaluatedRun:
    """A run's final evaluation; UserError where there is none, or the file holds something else."""
    path = run.path / "evaluations" / f"{FINAL}.json"
    if not path.is_file():
        raise UserError(f"run {str(run.path)!r}: has no final evaluation; finish its training first")
    data = run.evaluation(FINAL)
    try:
        if data is None:
            raise ValueError("truncated or not a JSON object")
        results = [*map(_result, data["tasks"])]
        if not results or not all(result.returns for result in results):
            raise ValueError("no tasks, or a task without episodes")
        if not all(np.isfinite(result.returns).all() for result in results):
            raise ValueError("a return is not finite")
        conditions = {name: data.get(name, False) for name in _CONDITIONS}
        checkpoint, steps = str(data["checkpoint"]["name"]), int(data["steps"])
        return EvaluatedRun(run.spec.seed, steps, results, run, conditions, checkpoint)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        what = f"misses the field {error}" if isinstance(error, KeyError) else str(error)
        raise UserError(f"evaluation {str(path)!r}: {what}") from error


def _result(task: Any) -> TaskResult:
    """A task's entry in a stored evaluation."""
    oracle = task["oracle"]
    return TaskResult(
        context={name: float(value) for name, value in task["context"].items()},
        split=str(task["split"]),
        returns=[*map(float, task["returns"])],
        lengths=[*map(int, task["lengths"])],
        oracle=None if oracle is None else float(oracle),
    )


def _family(name: str, found: Sequence[EvaluatedRun]) -> FamilyRuns[EvaluatedRun]:
    runs, specialists = _separate_specialists(found)
    first = runs[0]
    for run in runs[1:]:
        _check_same_tasks(first, run)
    agents: dict[str, list[EvaluatedRun]] = {}
    for run, label in zip(runs, _labels(runs), strict=True):
        agents.setdefault(label, []).append(run)
    for label, same in agents.items():
        _check_seeds(label, same)
    ordered = {label: tuple(sorted(same, key=lambda run: run.seed)) for label, same in agents.items()}
    return FamilyRuns(name, {label: AgentRuns(label, same) for label, same in ordered.items()}, specialists)


def _separate_specialists(
    runs: Sequence[EvaluatedRun],
) -> tuple[Sequence[EvaluatedRun], dict[TaskValues, float]]:
    """The runs of agents, and by its task's values the mean return of each specialist of their family.

    Of several specialists of a task the best counts. Where all runs have one task, they are agents.
    """
    whole = [run for run in runs if task_alone(run.run.spec.family) is None]
    if not whole:
        return runs, {}
    family = whole[0].run.spec.family
    played = {Context.of(family.features, dict(values)): values for _, values in whole[0].tasks}
    agents, best = [], dict[TaskValues, float]()
    for run in runs:
        task = specialist_task(run.run.spec, family)
        if task is None:
            agents.append(run)
            continue
        _check_conditions(whole[0], run)
        if task in played:
            mean = float(np.mean([result.mean for result in run.results]))
            best[played[task]] = max(best.get(played[task], -np.inf), mean)
    return agents, best


def _labels(runs: Sequence[EvaluatedRun]) -> list[str]:
    """Each run's agent, with those overrides that not all runs of that name have."""
    shared: dict[str, set[str]] = {}
    for run in runs:
        spec = run.run.spec
        shared[spec.agent.name] = shared.get(spec.agent.name, set(spec.overrides)) & set(spec.overrides)
    return [
        " ".join([name, *(each for each in run.run.spec.overrides if each not in shared[name])])
        for run in runs
        for name in [run.run.spec.agent.name]
    ]


def _check_same_tasks(first: EvaluatedRun, run: EvaluatedRun) -> None:
    both = f"runs {str(first.run.path)!r} and {str(run.run.path)!r}"
    difference = recipe_difference("family", first.run, run.run)
    if difference is not None:
        raise UserError(f"{both} are on other families of one name: {difference}; compare them apart")
    _check_conditions(first, run)
    if first.tasks != run.tasks:
        counts = f"{len(first.tasks)} and {len(run.tasks)} tasks"
        raise UserError(
            f"{both} were evaluated on other tasks ({counts}); evaluated alike they can be compared"
        )


def _check_conditions(first: EvaluatedRun, run: EvaluatedRun) -> None:
    both = f"runs {str(first.run.path)!r} and {str(run.run.path)!r}"
    for name, what in _CONDITIONS.items():
        values = first.conditions[name], run.conditions[name]
        if (values[0] or 0) != (values[1] or 0):
            raise UserError(f"{both} were evaluated with other {what}: {name} is {values[0]} and {values[1]}")


def _check_seeds(label: str, runs: Sequence[EvaluatedRun]) -> None:
    seen: dict[int, EvaluatedRun] = {}
    for run in runs:
        if run.seed in seen:
            raise UserError(
                f"runs {str(seen[run.seed].run.path)!r} and {str(run.run.path)!r} are both seed {run.seed} of"
                f" {label}; name one of them"
            )
        seen[run.seed] = run
        difference = recipe_difference("agent", runs[0].run, run.run)
        if difference is not None:
            raise UserError(
                f"runs {str(runs[0].run.path)!r} and {str(run.run.path)!r} are no seeds of one agent:"
                f" {difference}; compare them apart, or under other names"
            )
