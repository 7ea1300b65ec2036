"""Return over the context."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hyperrl.evaluation.figures import style
from hyperrl.evaluation.report import worst_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    from hyperrl.evaluation.zero_shot import TaskResult
    from hyperrl.tasks import Family


class _Panel(NamedTuple):
    """A part of the tasks, drawn over one feature; `line`: nothing else varies among them."""

    feature: str
    fixed: dict[str, float]
    line: bool


def return_over_context(
    agents: Mapping[str, Sequence[TaskResult]],
    family: Family,
    path: Path | None = None,
    *,
    feature: str | None = None,
    title: str | None = None,
) -> Figure:
    """Draw mean episode return over a feature of the context, agents beside each other and the optimum.

    A curve where tasks differ in one feature (one panel for each value of features that take few values,
    such as a sign); points, one panel for each feature, where they differ in several. Curves are the mean
    over runs and episodes, bands its 95 % interval over runs and starts (none for one episode in all), cut
    at the lowest and the highest return of an episode. A curve breaks where a gap was not tested. One agent's
    points have the colors of their splits; under several agents' each tested task has a mark of its split's
    color on the axis.

    Args:
        agents: results by the agent's name. Results at the same context are its runs (seeds).
        family: the tasks' family: training range, training tasks, units.
        path: where a PNG is written; None writes none.
        feature: the feature on the axis; None takes whichever vary.
        title: heading; None names the family.

    Raises:
        ValueError: there are no results.
    """
    everything = [result for results in agents.values() for result in results]
    if not everything:
        raise ValueError("there are no results to draw")
    panels = _panels(family, [result.context for result in everything], feature)
    rows, columns, width, height = style.grid_of(len(panels))
    with style.styled():
        figure = style.new_figure(width, height)
        grid = figure.subplots(rows, columns, squeeze=False, sharey=True)
        drawn = zip(grid.flat, panels, strict=False)
        outside = [_draw(axes, panel, agents, family) for axes, panel in drawn]
        for axes, panel in zip(grid.flat, panels, strict=False):
            if len(agents) == 1:
                _mark_worst(axes, panel, everything)
        style.show_returns(grid.flat[0], everything)
        style.from_zero(grid.flat[0], min(result.mean for result in everything))
        for axes in grid.flat[len(panels) :]:
            axes.remove()
        for row in grid:
            row[0].set_ylabel("episode return")
        heading = title or f"{family.name}: zero-shot return"
        contexts = [result.context for result in everything]
        notes = [
            style.note(max(agents.values(), key=style.seeds_of)),
            style.held(family, contexts),
            style.worst_note(family, {name: results for name, results in agents.items() if results}),
        ]
        patches = ([_band()] if _banded(grid.flat[0]) else []) + ([_outside()] if any(outside) else [])
        style.head(figure, heading, notes, list(grid.flat[: len(panels)]), patches)
        figure.draw_without_rendering()
        style.save(figure, path)
    return figure


def _panels(family: Family, contexts: Sequence[Mapping[str, float]], feature: str | None) -> list[_Panel]:
    features = family.recipe.features
    free = style.varying(family, contexts)
    if feature is not None:
        free = [feature, *(name for name in free if name != feature)]
    if not free:
        return [_Panel(family.space.names[0], {}, True)]
    few = [name for name in free if features[name].values is not None and name != feature]
    rest = [name for name in free if name not in few]
    if len(rest) == 1:
        values = [sorted({context[name] for context in contexts}) for name in few]
        return [_Panel(rest[0], dict(zip(few, point, strict=True)), True) for point in product(*values)]
    if feature is not None or len(free) == 1:
        return [_Panel(free[0], {}, len(free) == 1)]
    return [_Panel(name, {}, False) for name in free]


def _draw(axes: Axes, panel: _Panel, agents: Mapping[str, Sequence[TaskResult]], family: Family) -> bool:
    """Draw one panel; whether a part of it lies outside the training range."""
    shown = {
        agent: [r for r in results if all(r.context[k] == v for k, v in panel.fixed.items())]
        for agent, results in agents.items()
    }
    everything = [result for results in shown.values() for result in results]
    recipe = family.recipe.features[panel.feature]
    joined = panel.line and recipe.values is None
    _optimum(axes, everything, panel.feature, joined, style.known(family))
    for agent, look in style.looks(agents).items():
        runs = style.by_value(shown[agent], panel.feature)
        if not runs:
            continue
        if joined:
            _curve(axes, runs, style.intervals(shown[agent], panel.feature), agent, look)
        elif len(agents) > 1:
            x = [r.context[panel.feature] for r in shown[agent]]
            y = [r.mean for r in shown[agent]]
            axes.plot(x, y, look.marker, color=look.color, label=agent, alpha=0.6, markeredgewidth=0)
    _splits(axes, panel, everything, family, apart=len(agents) == 1)
    if panel.fixed:
        features = family.recipe.features
        axes.set_title(
            ", ".join(style.value_of(name, value, features[name]) for name, value in panel.fixed.items()),
            color=style.INK,
        )
    axes.set_xlabel(style.label_of(panel.feature, recipe))
    style.round_ticks(axes)
    return _training(axes, panel, family, [result.context for result in everything])


def _curve(
    axes: Axes,
    runs: Mapping[float, np.ndarray],
    intervals: Mapping[float, tuple[float, float]],
    agent: str,
    look: style.Look,
) -> None:
    values = list(runs)
    places = style.without_gaps(values)
    x = [np.nan if place is None else values[place] for place in places]

    def along(y: Sequence[float]) -> list[float]:
        return [np.nan if place is None else y[place] for place in places]

    marker = look.marker if len(values) <= 50 else ""
    means = along([float(each.mean()) for each in runs.values()])
    axes.plot(x, means, marker=marker, color=look.color, label=agent, zorder=3)
    if intervals:
        low, high = (
            along([intervals.get(value, (np.nan, np.nan))[end] for value in values]) for end in (0, 1)
        )
        axes.fill_between(x, low, high, color=look.color, alpha=0.15, linewidth=0, zorder=2)
    for run in range(max(each.size for each in runs.values())):
        if any(each.size > 1 for each in runs.values()):
            y = along([float(each[run]) if run < each.size else np.nan for each in runs.values()])
            axes.plot(x, y, color=look.color, alpha=0.45, linewidth=0.6, zorder=2.2)


def _splits(axes: Axes, panel: _Panel, results: Sequence[TaskResult], family: Family, *, apart: bool) -> None:
    """Tell the splits apart by color: the points of one agent, else marks on the axis."""
    found: dict[str, list[TaskResult]] = {}
    for result in results:
        found.setdefault(style.split_of(family, result), []).append(result)
    for split in (split for split in style.SPLIT_COLORS if split in found):
        x = [result.context[panel.feature] for result in found[split]]
        look: dict[str, Any] = {
            "color": style.SPLIT_COLORS[split],
            "label": split,
            "linestyle": "none",
            "zorder": 3.3,
        }
        if apart:
            y = [result.mean for result in found[split]]
            axes.plot(x, y, "o", markersize=4.5, markeredgecolor="white", markeredgewidth=0.4, **look)
            if not panel.line:
                for at, result in zip(x, found[split], strict=True):
                    ends = style.interval([[result.returns]])
                    if ends is not None:
                        axes.plot(
                            [at, at], ends, color=look["color"], alpha=0.35, linewidth=0.8,
                            label="95 % interval",
                        )  # fmt: skip
        else:
            bottom = axes.get_xaxis_transform()
            axes.plot(
                x, np.full(len(x), 0.02), "|", markersize=5, markeredgewidth=1.6, transform=bottom, **look
            )


def _mark_worst(axes: Axes, panel: _Panel, results: Sequence[TaskResult]) -> None:
    worst = results[worst_of(results)]
    if any(worst.context[name] != value for name, value in panel.fixed.items()):
        return
    axes.plot(
        [worst.context[panel.feature]], [worst.mean], "o", markersize=9, markerfacecolor="none",
        markeredgecolor=style.INK, label="worst task", zorder=3.6, linestyle="none",
    )  # fmt: skip


def _optimum(axes: Axes, results: Sequence[TaskResult], feature: str, joined: bool, name: str) -> None:
    best = sorted({(r.context[feature], r.oracle) for r in results if r.oracle is not None})
    if not best:
        return
    x, y = zip(*best, strict=True)
    if joined:
        places = style.without_gaps(x)
        x, y = (tuple(np.nan if place is None else each[place] for place in places) for each in (x, y))
        axes.plot(x, y, color=style.INK, linestyle=(0, (4, 2)), linewidth=1.3, label=name, zorder=2.5)
    else:
        axes.plot(x, y, "_", color=style.INK, markersize=7, label=name, zorder=2.5)


def _training(axes: Axes, panel: _Panel, family: Family, contexts: Sequence[Mapping[str, float]]) -> bool:
    """Shade what lies outside the training range and mark the training tasks on this panel's line."""
    low, high = axes.get_xlim()
    axes.set_xlim(low, high)
    start, end = family.recipe.features[panel.feature].train
    sides = [(low, min(start, high)), (max(end, low), high)]
    sides = [(left, right) for left, right in sides if _drawn(contexts, panel.feature, left, right)]
    for left, right in sides:
        axes.axvspan(left, right, color=style.PALE, zorder=0, linewidth=0)
    if not panel.line or not contexts:
        return bool(sides)
    tasks = style.training_tasks(family, contexts[0], [panel.feature])
    trained = [task[panel.feature] for task in tasks if low <= task[panel.feature] <= high]
    if trained:
        axes.plot(
            trained, np.zeros(len(trained)), "^", color=style.INK, transform=axes.get_xaxis_transform(),
            clip_on=False, markersize=6 if len(trained) <= 16 else 4, label="training task", zorder=5,
            linestyle="none",
        )  # fmt: skip
    return bool(sides)


def _drawn(contexts: Sequence[Mapping[str, float]], feature: str, low: float, high: float) -> bool:
    return any(low < context[feature] < high for context in contexts)


def _banded(axes: Axes) -> bool:
    return bool(axes.collections)


def _band() -> Patch:
    from matplotlib.patches import Patch

    return Patch(facecolor=style.GRAY, alpha=0.3, linewidth=0, label="95 % interval")


def _outside() -> Patch:
    from matplotlib.patches import Patch

    return Patch(facecolor=style.PALE, edgecolor="#cccccc", linewidth=0.6, label="outside the training range")
