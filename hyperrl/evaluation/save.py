"""The files that an evaluation leaves in its runs: numbers and a figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from hyperrl.evaluation.report import Evaluation
from hyperrl.evaluation.task_selection import TaskSelection
from hyperrl.store import Run, report_write_errors
from hyperrl.tasks import Family


def save_evaluation(
    evaluation: Evaluation, runs: Sequence[Run], family: Family, selection: TaskSelection
) -> Evaluation:
    """Write each run's part below its `evaluations/`, and figures to the first run's `figures/`.

    Returns:
        The evaluation with its files named.

    Raises:
        UserError: a run cannot be written, as on a disk that is full.
    """
    from hyperrl.evaluation import figures as draw

    stamp = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}".replace(".", "-")
    files = []
    for run, part in zip(runs, evaluation.per_run(), strict=True):
        with report_write_errors("run", run.path):
            files.append(run.save_evaluation(part.to_json(), f"evaluation-{stamp}"))
    evaluation = replace(evaluation, files=tuple(files))
    swept = selection.swept
    results = [
        result
        for run in evaluation.runs
        for result in (run.own_tasks[-selection.in_sweep :] if swept else run.split_tasks)
    ]
    seeds = f"-{len(runs)}-seeds" if len(runs) > 1 else ""

    def path(what: str) -> Path:
        return runs[0].figures / f"evaluation-{what}{seeds}-{stamp}.png"

    figures = []
    with report_write_errors("run", runs[0].path):
        if results:
            figures.append(path("-".join(swept) or "splits"))
            draw.draw_returns(evaluation.label, results, family, figures[-1], swept)
        if evaluation.context_errors:
            figures.append(path("context-error"))
            draw.return_over_error(evaluation, figures[-1])
        if evaluation.observation_noise:
            figures.append(path("observation-noise"))
            draw.return_over_noise(evaluation, figures[-1])
        if evaluation.schedules:
            figures.append(path("over-time"))
            draw.reward_over_time(evaluation, figures[-1])
        if evaluation.uncertainty:
            figures.append(path("uncertainty"))
            draw.draw_uncertainty(evaluation, figures[-1])
        if evaluation.worst_tasks:
            figures.append(path("worst-tasks"))
            draw.draw_worst_tasks(evaluation, family, figures[-1])
    return replace(evaluation, figures=tuple(figures))
