"""Reads off figures what they show."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from hyperrl.evaluation import TaskResult
from hyperrl.tasks import Family

Make = Callable[..., TaskResult]


def labels(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def y_of(line: Any) -> NDArray[np.float64]:
    return np.asarray(line.get_ydata(), dtype=np.float64)


def oracles(family: Family, contexts: Iterable[dict[str, float]]) -> list[float]:
    rectangles = [family.oracle(context) for context in contexts]
    return [value for value in rectangles if value is not None]


def boxes(figure: Figure) -> Iterator[tuple[float, float, float, float]]:
    """Pixel boxes of the legend and of each panel with its labels."""
    parts: list[Any] = [figure.legends[0], *figure.axes]
    for part in parts:
        box = part.get_tightbbox(figure.canvas.get_renderer())  # type: ignore[attr-defined]
        yield box.x0, box.y0, box.x1, box.y1


def assert_nothing_overlaps_or_is_cut(figure: Figure) -> None:
    width, height = figure.canvas.get_width_height()
    rectangles = list(boxes(figure))
    for x0, y0, x1, y1 in rectangles:
        assert x0 > -1
        assert y0 > -1
        assert x1 < width + 1
        assert y1 < height + 1
    for i, one in enumerate(rectangles):
        for other in rectangles[i + 1 :]:
            apart_x = one[2] <= other[0] + 2 or other[2] <= one[0] + 2
            apart_y = one[3] <= other[1] + 2 or other[3] <= one[1] + 2
            assert apart_x or apart_y, (one, other)


def ode_results(result: Make, ode: Family, level: float, seeds: int) -> list[TaskResult]:
    points = [(seed, float(c0)) for seed in range(seeds) for c0 in range(-10, 11)]
    return [result({"c0": c0}, level + seed, ode.oracle({"c0": c0})) for seed, c0 in points]
