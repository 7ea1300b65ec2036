"""Learning curves with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hyperrl.evaluation.figures import style
from hyperrl.evaluation.statistics import iqm, stratified_bootstrap

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Curve = tuple[Sequence[float] | NDArray[Any], Sequence[Any] | NDArray[Any]]
"""One run: environment steps (P,), ascending, and scores (P,) or (P, tasks)."""


def learning_curves(
    panels: Mapping[str, Mapping[str, Sequence[Curve]]],
    path: Path | None = None,
    *,
    references: Mapping[str, float] | None = None,
    title: str = "Learning curves",
) -> Figure:
    """Draw interquartile means over runs x tasks against steps, with 95 % stratified bootstrap bands.

    Args:
        panels: the runs by the panel's heading (a split, a family) and the agent's name. Runs measured at
            other steps than the first are interpolated linearly, within the steps that all of them cover.
        path: where a PNG is written; None writes none.
        references: the mean oracle of each panel that has one.
        title: heading of the figure.

    Raises:
        ValueError: there is no panel, or the runs of an agent share no steps.
    """
    from matplotlib.ticker import EngFormatter

    if not panels:
        raise ValueError("there are no learning curves to draw")
    agents = list(dict.fromkeys(agent for panel in panels.values() for agent in panel))
    with style.styled():
        figure, grid = style.new_grid(len(panels), "episode return")
        for axes, (heading, per_agent) in zip(grid, panels.items(), strict=True):
            for agent, look in style.looks(agents).items():
                if per_agent.get(agent):
                    _draw(axes, per_agent[agent], agent, look)
            if references and heading in references:
                axes.axhline(
                    references[heading], color=style.INK, linestyle=(0, (4, 2)), linewidth=1.3,
                    label="oracle",
                )  # fmt: skip
            axes.set_title(heading, color=style.INK, loc="left")
            axes.xaxis.set_major_formatter(EngFormatter(sep=""))
            axes.set_xlabel("environment steps")
            axes.set_xlim(left=0)
        runs = max(len(same) for panel in panels.values() for same in panel.values())
        note = f"interquartile mean, 95 % interval over {runs} seeds" if runs > 1 else ""
        style.finish(figure, path, title, [note], grid)
    return figure


def aligned(runs: Sequence[Curve]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Common steps (P,) and scores (P, runs, tasks) of the runs of one agent.

    Raises:
        ValueError: no step of the first run lies within what all runs cover, or the runs differ in their
            tasks.
    """
    curves = [(np.array(steps), np.array(scores).reshape(len(scores), -1)) for steps, scores in runs]
    low, high = max(steps[0] for steps, _ in curves), min(steps[-1] for steps, _ in curves)
    first, _ = curves[0]
    common = first[(first >= low) & (first <= high)].astype(np.float64)
    if not common.size:
        raise ValueError("the runs share no steps")
    tasks = [[np.interp(common, steps, task) for task in scores.T] for steps, scores in curves]
    return common, np.array(tasks).transpose(2, 0, 1)


def _draw(axes: Axes, runs: Sequence[Curve], agent: str, look: style.Look) -> None:
    steps, scores = aligned(runs)
    marks = max(1, len(steps) // 8)
    middle = [iqm(score) for score in scores]
    axes.plot(steps, middle, color=look.color, marker=look.marker, markevery=marks, label=agent, zorder=3)
    if len(runs) > 1:
        low, high = zip(*(stratified_bootstrap(score, iqm, reps=1000) for score in scores), strict=True)
        axes.fill_between(steps, low, high, color=look.color, alpha=0.22, linewidth=0, zorder=2)
