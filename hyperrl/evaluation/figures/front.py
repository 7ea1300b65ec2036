"""Fronts: the returns of one objective against another's."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hyperrl.evaluation.figures import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hyperrl.evaluation.front import Front

_MOST_PANELS = 6


def draw_front(front: Front, path: Path | None = None) -> Figure:
    """Draw what an agent reaches of each pair of objectives, its front and the knee.

    Args:
        front: the points.
        path: where a PNG is written; None writes none.
    """
    pairs = list(combinations(front.objectives, 2))[:_MOST_PANELS]
    with style.styled():
        figure, grid = style.new_grid(len(pairs), "")
        for axes, (first, second) in zip(grid, pairs, strict=True):
            places = np.array([[point.returns[first], point.returns[second]] for point in front.points])
            best = np.array([point.on_front for point in front.points])
            axes.scatter(places[~best, 0], places[~best, 1], color=style.GRAY, s=14, label="dominated")
            own = places[best][places[best][:, 0].argsort()]
            line = "-" if len(front.objectives) == 2 else ""
            axes.plot(own[:, 0], own[:, 1], color=style.COLORS[0], marker="o", linestyle=line, label="front")
            axes.scatter(
                places[front.knee, 0],
                places[front.knee, 1],
                color=style.COLORS[1],
                marker="*",
                s=120,
                label="knee",
                zorder=4,
            )
            axes.set_xlabel(f"return of {first}")
            axes.set_ylabel(f"return of {second}")
            style.round_ticks(axes)
        note = f"{len(front.points)} choices of {', '.join(front.weights)}, {front.episodes} episodes each"
        style.finish(figure, path, f"{front.agent} on {front.family}", [note], grid)
    return figure
