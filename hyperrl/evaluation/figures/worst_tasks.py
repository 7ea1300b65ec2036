"""Returns of all tasks that a search tried, and the worst of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hyperrl.evaluation.figures import grouping, labels, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hyperrl.evaluation.report import Evaluation
    from hyperrl.tasks import Family


def draw_worst_tasks(evaluation: Evaluation, family: Family, path: Path | None = None) -> Figure:
    """Draw the return, or the regret, of all candidates over each feature, and the worst on fresh starts.

    Args:
        evaluation: one with a search for the worst tasks.
        family: the tasks' family.
        path: where a PNG is written; None writes none.

    Raises:
        ValueError: there was no search.
    """
    summary = evaluation.worst_tasks
    if summary is None:
        raise ValueError("there was no search for the worst tasks to draw")
    regret = summary["by"] == "regret"
    tried = [
        (task.context, (task.oracle or 0.0) - task.mean if regret else task.mean)
        for run in evaluation.runs
        if run.worst is not None
        for task in run.worst.candidates
    ]
    found = [(each["context"], each["regret"] if regret else each["mean"]) for each in summary["tasks"]]
    candidates = [task for run in evaluation.runs if run.worst for task in run.worst.candidates]
    features = grouping.varying(family, candidates) or list(family.space.names)
    with style.styled():
        figure, grid = style.new_grid(len(features), "regret" if regret else "episode return", sharey=True)
        for axes, name in zip(grid, features, strict=True):
            x, y = zip(*((context[name], value) for context, value in tried), strict=True)
            axes.plot(
                x, y, "o", color=style.COLORS[0], markersize=2.5, alpha=0.35, markeredgewidth=0,
                label="tried in the search", zorder=2,
            )  # fmt: skip
            x, y = zip(*((context[name], value) for context, value in found), strict=True)
            axes.plot(
                x, y, "X", color=style.COLORS[1], markersize=6, label="worst, on fresh starts", zorder=3
            )
            axes.set_xlabel(labels.axis_label(family, name))
            for end in family.recipe.features[name].train:
                axes.axvline(end, color=style.GRAY, linewidth=0.8, linestyle=":", label="training range")
            style.round_ticks(axes)
        title = f"{evaluation.label} on {evaluation.family}: the worst tasks"
        note = f"by {summary['by']}, {summary['within']} ranges"
        style.finish(figure, path, title, [note], grid)
    return figure
