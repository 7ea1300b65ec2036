"""Fronts as figures."""

from pathlib import Path

import pytest

from hyperrl.evaluation.figures.front import draw_front
from hyperrl.evaluation.front import Front, FrontPoint


def front(objectives: int) -> Front:
    names = tuple("abcd"[:objectives])
    zeros = dict.fromkeys(names, 0.0)
    points = tuple(
        FrontPoint({"w": float(place)}, dict.fromkeys(names, float(place)), zeros, 1.0, place > 0)
        for place in range(3)
    )
    return Front("run", "agent", "family", "best", ("w",), names, points, zeros, 1.0, 1, 5, 0)


@pytest.mark.parametrize(("objectives", "panels"), [(2, 1), (3, 3), (4, 6)])
def test_each_pair_of_objectives_has_a_panel(objectives: int, panels: int, tmp_path: Path) -> None:
    figure = draw_front(front(objectives), tmp_path / "front.png")
    assert len(figure.axes) == panels
    assert figure.axes[0].get_xlabel() == "return of a"
    assert figure.axes[0].get_legend_handles_labels()[1] == ["dominated", "front", "knee"]
    assert (tmp_path / "front.png").stat().st_size > 0
