"""The map of tasks in weight space: generated weights, projected on their first two principal components."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hyperrl.evaluation.figures import labels, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hyperrl.tasks import Family

_PANELS = 3
_SPLIT_MARKERS = {"train": "^", "validation": "s", "interpolation": "o", "extrapolation": "X", "rim": "D"}


class Projection(NamedTuple):
    """Points in a plane.

    Attributes:
        points: (N, 2).
        explained: shares of the variance that the two axes have (2,).
    """

    points: NDArray[np.float64]
    explained: NDArray[np.float64]


def principal_components(rows: NDArray[np.float64]) -> Projection:
    """The first two principal components of rows (N, P), by the singular values of the centered rows.

    Signs are those at which each axis's largest coordinate is positive. Rows that are all equal, and a second
    axis of fewer than three rows, are 0.
    """
    centered = rows - rows.mean(axis=0)
    left, sizes, _ = np.linalg.svd(centered, full_matrices=False)
    points = np.zeros((len(rows), 2))
    count = min(2, len(sizes))
    points[:, :count] = left[:, :count] * sizes[:count]
    extremes = points[np.abs(points).argmax(axis=0), [0, 1]]
    total = float(np.square(sizes).sum())
    explained = np.zeros(2)
    if total > 0:
        explained[:count] = np.square(sizes[:count]) / total
    return Projection(points * np.where(extremes < 0, -1, 1), explained)


def weight_map(
    projection: Projection,
    contexts: Sequence[Mapping[str, float]],
    splits: Sequence[str],
    family: Family,
    path: Path | None = None,
    *,
    agent: str,
) -> Figure:
    """Draw where tasks lie in weight space, one panel for each feature that varies, at most three.

    Args:
        projection: the tasks' points.
        contexts: the tasks, as many.
        splits: the split of each, which decides its marker.
        family: the tasks' family.
        path: where a PNG is written; None writes none.
        agent: whose weights they are.

    Raises:
        ValueError: there are no tasks.
    """
    if not contexts:
        raise ValueError("there are no tasks to draw")
    varying = [name for name in family.space.names if len({context[name] for context in contexts}) > 1]
    features = (varying or family.space.names)[:_PANELS]
    shares = [
        f"component {i + 1} ({share:.0%} of the variance)" for i, share in enumerate(projection.explained)
    ]
    with style.styled():
        figure, grid = style.new_grid(len(features), shares[1], sharey=True)
        for axes, feature in zip(grid, features, strict=True):
            values = np.array([context[feature] for context in contexts])
            for split in dict.fromkeys(splits):
                rows = [row for row, each in enumerate(splits) if each == split]
                x, y = projection.points[rows].T
                mesh = axes.scatter(
                    x, y, c=values[rows], vmin=values.min(), vmax=values.max(), cmap="viridis", s=30,
                    label=split, marker=_SPLIT_MARKERS.get(split, "P"), edgecolors=style.INK, linewidths=0.4,
                )  # fmt: skip
            figure.colorbar(mesh, ax=axes, label=labels.axis_label(family, feature))
            axes.set_xlabel(shares[0])
            style.round_ticks(axes)
        note = f"weights that {agent} generates, each point a task"
        style.finish(figure, path, f"{family.name}: tasks in weight space", [note], grid[:1])
    return figure
