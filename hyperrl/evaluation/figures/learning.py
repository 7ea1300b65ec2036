"""Learning curves with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hyperrl.evaluation.figures import style
from hyperrl.evaluation.statistics import iqm, stratified_bootstrap

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Curve = tuple[ArrayLike, ArrayLike]
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
        panels: by the panel's heading (a split, a family), by the agent's name, the runs. Runs measured at
            different steps are read off, linearly, at the steps of the first within what all of them cover.
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
    steps = [np.asarray(run[0], dtype=np.float64) for run in runs]
    scores = [
        np.asarray(run[1], dtype=np.float64).reshape(s.size, -1) for run, s in zip(runs, steps, strict=True)
    ]
    low, high = max(s[0] for s in steps), min(s[-1] for s in steps)
    common = steps[0][(steps[0] >= low) & (steps[0] <= high)]
    if not common.size:
        raise ValueError("the runs share no steps")
    if len({score.shape[1] for score in scores}) > 1:
        raise ValueError("the runs were measured on different numbers of tasks")
    read = [[np.interp(common, s, task) for task in score.T] for s, score in zip(steps, scores, strict=True)]
    return common, np.array(read).transpose(2, 0, 1)


def _draw(axes: Axes, runs: Sequence[Curve], agent: str, look: style.Look) -> None:
    steps, scores = aligned(runs)
    marks = max(1, len(steps) // 8)
    middle = [iqm(score) for score in scores]
    axes.plot(steps, middle, color=look.color, marker=look.marker, markevery=marks, label=agent, zorder=3)
    if len(runs) > 1:
        low, high = zip(*(stratified_bootstrap(score, iqm, reps=1000) for score in scores), strict=True)
        axes.fill_between(steps, low, high, color=look.color, alpha=0.22, linewidth=0, zorder=2)
