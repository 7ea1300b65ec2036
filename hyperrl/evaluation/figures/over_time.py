"""Reward over the steps of episodes in which tasks change."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hyperrl.evaluation.figures import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hyperrl.evaluation.report import Evaluation


def reward_over_time(evaluation: Evaluation, path: Path | None = None) -> Figure:
    """Draw the mean reward of each step for each split, and, where features jump, since the jump.

    Args:
        evaluation: on a family with schedules.
        path: where a PNG is written; None writes none.

    Raises:
        ValueError: no rewards over time were noted.
    """
    curves = evaluation.over_time
    if not curves:
        raise ValueError("there are no rewards over time to draw")
    panels = {"step of the episode": [(name, curve["rewards"]) for name, curve in curves.items()]}
    jumps = [(name, curve["since_jump"]) for name, curve in curves.items() if curve["since_jump"]]
    if jumps:
        panels["steps since a jump"] = jumps
    with style.styled():
        figure, grid = style.new_grid(len(panels), "reward of a step", sharey=True)
        for axes, (label, lines) in zip(grid, panels.items(), strict=True):
            for name, rewards in lines:
                axes.plot(rewards, color=style.SPLIT_COLORS.get(name, style.INK), label=name)
            axes.set_xlabel(label)
            axes.set_xlim(left=0)
            style.round_ticks(axes)
        texts = ", ".join(f"{name} {text}" for name, text in evaluation.schedules.items())
        title = f"{evaluation.agent} on {evaluation.family}: tasks that change"
        style.finish(figure, path, title, ["mean over the episodes that take the step", texts], grid)
    return figure
