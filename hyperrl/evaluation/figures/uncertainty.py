"""Disagreement of networks over the steps of episodes, and the returns that they predict."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hyperrl.evaluation.figures import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hyperrl.evaluation.report import Evaluation


def draw_uncertainty(evaluation: Evaluation, path: Path | None = None) -> Figure:
    """Draw the disagreement of actions and of values at each step, and predicted against realized returns.

    Args:
        evaluation: one with the disagreement of networks.
        path: where a PNG is written; None writes none.

    Raises:
        ValueError: no networks were asked.
    """
    summary = evaluation.uncertainty
    if summary is None:
        raise ValueError("there is no uncertainty to draw")
    with style.styled():
        figure, (actions, values, returns) = style.new_grid(3, "disagreement of actions")
        for name, curves in summary["steps"].items():
            color = style.SPLIT_COLORS.get(name, style.INK)
            label = "own tasks" if name == "own" else name
            actions.plot(curves["actions"], color=color, label=label)
            values.plot(curves["values"], color=color, label=label)
        values.set_ylabel("standard deviation of values")
        for axes in (actions, values):
            axes.set_xlabel("step of the episode")
            axes.set_xlim(left=0)
            style.start_at_zero(axes, 0.0)
        for task in summary["tasks"]:
            returns.errorbar(
                task["realized"], task["predicted"], yerr=task["spread"], fmt="o", markersize=3.5,
                elinewidth=0.8, color=style.SPLIT_COLORS.get(task["split"], style.INK),
            )  # fmt: skip
        ends = [each[kind] for each in summary["tasks"] for kind in ("realized", "predicted")]
        returns.plot([min(ends), max(ends)], [min(ends), max(ends)], ":", color=style.GRAY, linewidth=1)
        returns.set_xlabel("realized discounted return")
        returns.set_ylabel("predicted, +- standard deviation")
        for axes in (actions, values, returns):
            style.round_ticks(axes)
        source = "runs" if summary["source"] == "runs" else "networks of its index"
        title = f"{evaluation.label} on {evaluation.family}: disagreement of {summary['networks']} {source}"
        style.finish(figure, path, title, ["mean over episodes"], [actions, values])
    return figure
