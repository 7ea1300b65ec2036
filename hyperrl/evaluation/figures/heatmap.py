"""Return over two features of the context."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hyperrl.evaluation.figures import grouping, labels, style
from hyperrl.evaluation.figures.context import return_over_context
from hyperrl.evaluation.summary import worst_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from hyperrl.evaluation.zero_shot import TaskResult
    from hyperrl.tasks import Family


def draw_returns(
    agent: str, results: Sequence[TaskResult], family: Family, path: Path, swept: Sequence[str] = ()
) -> Figure:
    """Draw one agent's returns: a heatmap of two features that were swept or fill a grid, else over each."""
    features = (swept[0], swept[1]) if len(swept) == 2 else plane(results, family)
    if features is None:
        return return_over_context({agent: results}, family, path)
    return heatmap(results, family, features, path, agent=agent)


def heatmap(
    results: Sequence[TaskResult],
    family: Family,
    features: tuple[str, str],
    path: Path | None = None,
    *,
    agent: str,
) -> Figure:
    """Draw mean episode return over two features, beside the oracle where it is known, on one scale.

    A frame marks the box of the training ranges, triangles the training tasks that lie on the plane drawn.

    Args:
        results: tasks on a grid of the two features; results at the same context are runs and are averaged.
            Cells without a result stay empty.
        family: the tasks' family.
        features: the features on the horizontal and the vertical axis.
        path: where a PNG is written; None writes none.
        agent: heading of the agent's panel.

    Raises:
        ValueError: there are no results, or fewer than two values of either feature.
    """
    x, y = (np.unique([result.context[name] for result in results]) for name in features)
    if min(x.size, y.size) < 2:
        raise ValueError(f"a heatmap needs at least two values of {features[0]} and of {features[1]}")
    cells = grouping.group(results, lambda result: tuple(result.context[name] for name in features))

    def grid(value: Callable[[TaskResult], Any]) -> NDArray[np.float64]:
        """Mean value in each cell, (len(y), len(x)); NaN where there is no result."""
        found = np.full((y.size, x.size), np.nan)
        for (column, row), runs in cells.items():
            found[np.searchsorted(y, row), np.searchsorted(x, column)] = np.mean([*map(value, runs)])
        return found

    grids = {agent: grid(lambda result: result.mean)}
    if all(result.oracle is not None for result in results):
        grids["oracle"] = grid(lambda result: result.oracle)
    levels = np.stack(list(grids.values()))
    limits = {"vmin": np.nanmin(levels), "vmax": np.nanmax(levels)}
    with style.styled():
        figure = style.new_figure(0.9 + 3.5 * len(grids), 4.0)
        row = list(figure.subplots(1, len(grids), squeeze=False, sharey=True)[0])
        for axes, (name, values) in zip(row, grids.items(), strict=True):
            mesh = axes.pcolormesh(x, y, values, shading="nearest", cmap="viridis", rasterized=True, **limits)
            axes.set_title(name, color=style.INK)
            axes.set_xlabel(labels.axis_label(family, features[0]))
            axes.grid(visible=False)
            style.round_ticks(axes)
        row[0].set_ylabel(labels.axis_label(family, features[1]))
        figure.colorbar(mesh, ax=row, label="episode return", pad=0.02)
        for axes in row:
            _mark_tasks(axes, results, family, features)
            _mark_training(axes, results, family, features)
        notes = labels.notes(family, {agent: results}, _median_interval(results))
        style.finish(figure, path, f"{family.name}: zero-shot return", notes, row[:1])
    return figure


def plane(results: Sequence[TaskResult], family: Family) -> tuple[str, str] | None:
    """The two features that a heatmap of these tasks needs; None where they fill no grid of two features."""
    names = grouping.varying(family, results)
    if len(names) != 2 or any(family.recipe.features[name].values is not None for name in names):
        return None
    cells = math.prod(len(grouping.by_value(results, name)) for name in names)
    return (names[0], names[1]) if cells <= 2 * len(grouping.by_task(results)) else None


def _median_interval(results: Sequence[TaskResult]) -> str:
    intervals = [grouping.interval(runs) for runs in grouping.by_task(results)]
    reach = [(ends[1] - ends[0]) / 2 for ends in intervals if ends is not None]
    return f"; 95 % interval: \u00b1 {np.median(reach):.3g} in the median cell" if reach else ""


def _mark_tasks(axes: Axes, results: Sequence[TaskResult], family: Family, features: tuple[str, str]) -> None:
    """Mark every tested task by its split's color, and the worst one."""
    size = 3.7 if len(results) <= 200 else 2.4
    for split, points in grouping.by_split(results, family).items():
        axes.plot(
            *([point.context[name] for point in points] for name in features), "o", markersize=size,
            label=split, color=style.SPLIT_COLORS[split], markeredgecolor="white", markeredgewidth=0.4,
            zorder=3.5,
        )  # fmt: skip
    worst = worst_of(results).context
    axes.plot(
        *([worst[name]] for name in features), "X", color="white", markeredgecolor=style.INK, markersize=8,
        label="worst task", linestyle="none", zorder=4.5,
    )  # fmt: skip


def _mark_training(
    axes: Axes, results: Sequence[TaskResult], family: Family, features: tuple[str, str]
) -> None:
    """Frame the box of the training ranges and mark the training tasks on this plane."""
    from matplotlib.patches import Rectangle

    (left, right), (bottom, top) = (family.recipe.features[name].train for name in features)
    x_limits, y_limits = axes.get_xlim(), axes.get_ylim()
    for color, width, label in (("white", 2.2, "_"), (style.INK, 1.0, "training range")):
        frame = Rectangle((left, bottom), right - left, top - bottom, label=label)
        frame.set(fill=False, edgecolor=color, linewidth=width, zorder=3)
        axes.add_patch(frame)
    tasks = grouping.training_tasks(family, results[0].context, features)
    if tasks:
        axes.plot(
            *([task[name] for task in tasks] for name in features), "^", color=style.INK, zorder=4,
            markeredgecolor="white", markeredgewidth=0.8, markersize=6.5, label="training task",
        )  # fmt: skip
    axes.set_xlim(x_limits)
    axes.set_ylim(y_limits)
