"""What an evaluation leaves in the runs that were evaluated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from hyperrl.evaluation.report import Evaluation, RunResult
from hyperrl.evaluation.request import Request
from hyperrl.evaluation.zero_shot import TaskResult
from hyperrl.store import Run, report_write_errors
from hyperrl.tasks import Family


def saved(found: Evaluation, runs: Sequence[Run], family: Family, asked: Request) -> Evaluation:
    """Write each run's part below its `evaluations/`, and the figure to the first run's `figures/`.

    Returns:
        The evaluation with its files named.

    Raises:
        UserError: a run cannot be written, as on a disk that is full.
    """
    stamp = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}".replace(".", "-")
    name = f"evaluation-{stamp}"
    files = []
    for run, part in zip(runs, found.per_run(), strict=True):
        with report_write_errors("run", run.path):
            files.append(run.save_evaluation(part.to_json(), name))
    with report_write_errors("run", runs[0].path):
        figure = _figure(found, runs[0].figures, family, asked, stamp)
    return replace(found, files=tuple(files), figures=() if figure is None else (figure,))


def _figure(found: Evaluation, folder: Path, family: Family, asked: Request, stamp: str) -> Path | None:
    from hyperrl.evaluation.figures import heatmap, plane, return_over_context

    def drawn(run: RunResult) -> list[TaskResult]:
        return run.tasks[len(run.tasks) - asked.in_sweep :] if asked.swept else run.in_splits

    results = [result for run in found.runs for result in drawn(run)]
    if not results:
        return None
    seeds = f"-{len(found.runs)}-seeds" if len(found.runs) > 1 else ""
    path = folder / f"evaluation-{'-'.join(asked.swept) or 'splits'}{seeds}-{stamp}.png"
    grid = (asked.swept[0], asked.swept[1]) if len(asked.swept) == 2 else plane(results, family)
    if grid is not None:
        heatmap(results, family, grid, path, agent=found.agent)
    else:
        return_over_context({found.agent: results}, family, path)
    return path
