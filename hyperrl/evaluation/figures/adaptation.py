"""Return by episode, where an agent identifies the task episode by episode."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hyperrl.evaluation.figures import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hyperrl.evaluation.summary import SplitSummary


def return_by_episode(
    title: str, curves: Mapping[str, Sequence[SplitSummary]], path: Path | None = None
) -> Figure:
    """Draw mean returns over the number of the episode, with 95 % intervals over tasks.

    Args:
        title: heading of the figure.
        curves: the returns of all tasks in each episode, by name; the first curve is that of the agent that
            adapts.
        path: where a PNG is written; None writes none.

    Raises:
        ValueError: there is no curve.
    """
    if not curves:
        raise ValueError("there are no returns to draw")
    first = next(iter(curves.values()))
    with style.styled():
        figure, (axes,) = style.new_grid(1, "episode return")
        for (name, points), look in zip(curves.items(), style.looks(curves).values(), strict=True):
            episodes = range(1, len(points) + 1)
            means = [point["mean"] for point in points]
            axes.plot(episodes, means, color=look.color, marker=look.marker, label=name, zorder=3)
            low = [point["mean"] if point["low"] is None else point["low"] for point in points]
            high = [point["mean"] if point["high"] is None else point["high"] for point in points]
            axes.fill_between(episodes, low, high, color=look.color, alpha=0.15, linewidth=0)
        axes.set_xlabel("episode of the task")
        style.round_ticks(axes, whole=True)
        style.start_at_zero(axes, min(point["mean"] for points in curves.values() for point in points))
        tasks = first[0]["tasks"]
        note = f"mean of {tasks} tasks, bands: 95 % intervals" if tasks > 1 else "1 task"
        style.finish(figure, path, title, [note], [axes])
    return figure
