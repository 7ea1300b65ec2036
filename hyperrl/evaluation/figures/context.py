"""Return over the context."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product, zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hyperrl.evaluation.figures import grouping, labels, style
from hyperrl.evaluation.summary import worst_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from hyperrl.evaluation.zero_shot import TaskResult
    from hyperrl.tasks import Family


class _Panel(NamedTuple):
    """A part of the tasks, drawn over one feature; `line`: nothing else varies among them."""

    feature: str
    fixed: dict[str, float]
    line: bool

    def holds(self, context: Mapping[str, float]) -> bool:
        """Whether a task is one of the panel's."""
        return all(context[name] == value for name, value in self.fixed.items())


def return_over_context(
    agents: Mapping[str, Sequence[TaskResult]], family: Family, path: Path | None = None
) -> Figure:
    """Draw mean episode return over the features of the context, agents beside each other and the oracle.

    Where tasks differ in one feature there is a curve for each agent (one panel for each value of features
    that take few values, such as a sign); where they differ in several, points in a panel for each feature.
    Curves are the mean over runs and episodes. Bands are its 95 % interval over runs and starts (none for one
    episode in all), cut at the lowest and the highest return of an episode. A curve breaks at a gap that was
    not tested. The points of a single agent have the colors of their splits; with several agents, marks on
    the axis have these colors.

    Args:
        agents: results by the agent's name. Results at the same context are its runs (seeds).
        family: the tasks' family: training range, training tasks, units.
        path: where a PNG is written; None writes none.

    Raises:
        ValueError: there are no results.
    """
    everything = [result for results in agents.values() for result in results]
    if not everything:
        raise ValueError("there are no results to draw")
    panels = _panels(family, everything)
    with style.styled():
        figure, grid = style.new_grid(len(panels), "episode return", sharey=True)
        outside = [_draw(axes, panel, agents, family) for axes, panel in zip(grid, panels, strict=True)]
        worst = worst_of(everything)
        for axes, panel in zip(grid, panels, strict=True):
            if len(agents) == 1 and panel.holds(worst.context):
                axes.plot(
                    [worst.context[panel.feature]], [worst.mean], "o", markersize=9, markerfacecolor="none",
                    markeredgecolor=style.INK, label="worst task", zorder=3.6, linestyle="none",
                )  # fmt: skip
        style.fit_to_returns(grid[0], everything)
        style.start_at_zero(grid[0], min(result.mean for result in everything))
        patches = _patches(bool(grid[0].collections), any(outside))
        style.finish(
            figure, path, f"{family.name}: zero-shot return", labels.notes(family, agents), grid, patches
        )
    return figure


def _panels(family: Family, results: Sequence[TaskResult]) -> list[_Panel]:
    free = grouping.varying(family, results)
    few = [name for name in free if family.recipe.features[name].values is not None]
    rest = [name for name in free if name not in few]
    if len(rest) == 1:
        values = [list(grouping.by_value(results, name)) for name in few]
        return [_Panel(rest[0], dict(zip(few, point, strict=True)), True) for point in product(*values)]
    return [_Panel(name, {}, len(free) <= 1) for name in free or family.space.names[:1]]


def _draw(axes: Axes, panel: _Panel, agents: Mapping[str, Sequence[TaskResult]], family: Family) -> bool:
    """Draw one panel; whether a part of it lies outside the training range."""
    inside = {agent: [r for r in results if panel.holds(r.context)] for agent, results in agents.items()}
    everything = [result for results in inside.values() for result in results]
    joined = panel.line and family.recipe.features[panel.feature].values is None
    _oracle(axes, everything, panel.feature, joined)
    for agent, look in style.looks(agents).items():
        if joined and inside[agent]:
            _curve(axes, grouping.by_value(inside[agent], panel.feature), agent, look)
        elif inside[agent] and len(agents) > 1:
            _points(
                axes, inside[agent], panel.feature, look.marker, color=look.color, label=agent, alpha=0.6,
                markeredgewidth=0,
            )  # fmt: skip
    for split, results in grouping.by_split(everything, family).items():
        _mark_split(axes, panel, results, split, alone=len(agents) == 1)
    if panel.fixed:
        axes.set_title(labels.assignments(family, panel.fixed, panel.fixed), color=style.INK)
    axes.set_xlabel(labels.axis_label(family, panel.feature))
    style.round_ticks(axes)
    return _training(axes, panel, family, [result.context for result in everything])


def _points(axes: Axes, results: Sequence[TaskResult], feature: str, marker: str, **look: Any) -> None:
    x, y = [r.context[feature] for r in results], [r.mean for r in results]
    axes.plot(x, y, marker, **look)


def _curve(axes: Axes, runs: Mapping[float, Sequence[TaskResult]], agent: str, look: style.Look) -> None:
    """Draw the mean over runs, its interval, and where there are several runs each of them."""
    values = list(runs)
    breaks = grouping.gaps(values)

    def broken(y: Sequence[float]) -> NDArray[np.float64]:
        return np.insert(np.array(y, dtype=np.float64), breaks, np.nan)

    x = broken(values)
    means = [[result.mean for result in each] for each in runs.values()]
    marker = look.marker if len(values) <= 50 else ""
    center = broken([float(np.mean(each)) for each in means])
    axes.plot(x, center, marker=marker, color=look.color, label=agent, zorder=3)
    intervals = [grouping.interval(each) for each in runs.values()]
    if any(intervals):
        low, high = zip(*(ends or (np.nan, np.nan) for ends in intervals), strict=True)
        axes.fill_between(x, broken(low), broken(high), color=look.color, alpha=0.15, linewidth=0, zorder=2)
    if max(map(len, means)) > 1:
        for run in zip_longest(*means, fillvalue=np.nan):
            axes.plot(x, broken(run), color=look.color, alpha=0.45, linewidth=0.6, zorder=2.2)


def _mark_split(axes: Axes, panel: _Panel, results: Sequence[TaskResult], split: str, *, alone: bool) -> None:
    """Mark the tasks of a split by its color: the points of one agent, or ticks on the axis."""
    color = style.SPLIT_COLORS[split]
    if not alone:
        x = [result.context[panel.feature] for result in results]
        axes.plot(
            x, np.full(len(x), 0.02), "|", markersize=5, markeredgewidth=1.6, color=color, label=split,
            linestyle="none", zorder=3.3, transform=axes.get_xaxis_transform(),
        )  # fmt: skip
        return
    _points(
        axes, results, panel.feature, "o", markersize=4.5, markeredgecolor="white", markeredgewidth=0.4,
        color=color, label=split, linestyle="none", zorder=3.3,
    )  # fmt: skip
    for result in [] if panel.line else results:
        ends = grouping.interval([result])
        if ends is not None:
            at = [result.context[panel.feature]] * 2
            axes.plot(at, ends, color=color, alpha=0.35, linewidth=0.8, label="95 % interval")


def _oracle(axes: Axes, results: Sequence[TaskResult], feature: str, joined: bool) -> None:
    best = sorted({(r.context[feature], r.oracle) for r in results if r.oracle is not None})
    if not best:
        return
    x, y = np.transpose(best)
    look: dict[str, Any] = {"color": style.INK, "label": "oracle", "zorder": 2.5}
    if joined:
        x, y = np.insert([x, y], grouping.gaps(x), np.nan, axis=1)
        axes.plot(x, y, linestyle=(0, (4, 2)), linewidth=1.3, **look)
    else:
        axes.plot(x, y, "_", markersize=7, **look)


def _training(axes: Axes, panel: _Panel, family: Family, contexts: Sequence[Mapping[str, float]]) -> bool:
    """Shade what lies outside the training range and mark the training tasks; whether anything is shaded."""
    low, high = axes.get_xlim()
    axes.set_xlim(low, high)
    start, end = family.recipe.features[panel.feature].train
    shaded = False
    for left, right in ((low, min(start, high)), (max(end, low), high)):
        if any(left < context[panel.feature] < right for context in contexts):
            axes.axvspan(left, right, color=style.PALE, zorder=0, linewidth=0)
            shaded = True
    tasks = grouping.training_tasks(family, contexts[0], [panel.feature]) if panel.line and contexts else []
    trained = [task[panel.feature] for task in tasks if low <= task[panel.feature] <= high]
    if trained:
        axes.plot(
            trained, np.zeros(len(trained)), "^", color=style.INK, transform=axes.get_xaxis_transform(),
            clip_on=False, markersize=6 if len(trained) <= 16 else 4, label="training task", zorder=5,
            linestyle="none",
        )  # fmt: skip
    return shaded


def _patches(band: bool, outside: bool) -> list[Any]:
    """Patches for the legend: of the intervals, and of what lies outside the training range."""
    from matplotlib.patches import Patch

    patches = [Patch(facecolor=style.GRAY, alpha=0.3, linewidth=0, label="95 % interval")] if band else []
    if outside:
        name = "outside the training range"
        patches.append(Patch(facecolor=style.PALE, edgecolor="#cccccc", linewidth=0.6, label=name))
    return patches
