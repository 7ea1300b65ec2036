from collections.abc import Iterable, Mapping
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from hyperrl.evaluation.figures import heatmap, plane
from hyperrl.tasks import Family
from tests.evaluation.figures.parts import Make, assert_nothing_overlaps_or_is_cut, oracles


def test_heatmap_puts_each_mean_into_its_cell(tmp_path: Path, result: Make) -> None:
    family = Family.load("ode-2d")
    points = list(product((-6.0, 0.0, 6.0), (-4.0, 4.0)))
    results = [
        result({"c0": x, "c1": y}, 10 * x + y + seed, family.oracle({"c0": x, "c1": y}))
        for seed in (0, 2)
        for x, y in points
    ]
    figure = heatmap(results, family, ("c0", "c1"), tmp_path / "heat.png", agent="hyper-ppo")
    assert [axes.get_title() for axes in figure.axes[:2]] == ["hyper-ppo", "oracle"]
    cells = np.asarray(figure.axes[0].collections[0].get_array())
    np.testing.assert_allclose(cells, [[10 * x + y + 1 for x in (-6, 0, 6)] for y in (-4, 4)])
    best = np.asarray(figure.axes[1].collections[0].get_array())
    known = oracles(family, ({"c0": x, "c1": y} for y in (-4.0, 4.0) for x in (-6.0, 0.0, 6.0)))
    np.testing.assert_allclose(best.ravel(), known)
    assert figure.axes[2].get_ylabel() == "episode return"
    for axes in figure.axes[:2]:
        marks = {line.get_label(): line.get_color() for line in axes.get_lines()}
        assert {"interpolation", "extrapolation", "worst task"} <= set(marks)
        assert marks["interpolation"] != marks["extrapolation"]
    assert "mean of 2 seeds, 1 episode each" in figure.legends[0].get_title().get_text()
    assert_nothing_overlaps_or_is_cut(figure)
    assert imread(tmp_path / "heat.png").ndim == 3


def test_heatmap_without_an_oracle_has_one_panel(result: Make, cartpole: Family) -> None:
    default = cartpole.space.default
    results = [
        result({**default, "length": x, "gravity": y}, x) for x in (0.1, 0.5, 2.0) for y in (5.0, 20.0)
    ]
    figure = heatmap(results, cartpole, ("length", "gravity"), agent="agent")
    assert [axes.get_title() for axes in figure.axes[:1]] == ["agent"]
    assert len(figure.axes) == 2  # and the color bar
    assert_nothing_overlaps_or_is_cut(figure)


def test_tasks_on_a_grid_of_two_features_fill_a_plane(result: Make, cartpole: Family) -> None:
    family, signs = Family.load("ode-2d"), Family.load("double-integrator")

    def of(tasks: Iterable[Mapping[str, float]], whose: Family) -> tuple[str, str] | None:
        return plane([result(task, 0.0) for task in tasks], whose)

    assert of(family.tasks("extrapolation"), family) == ("c0", "c1")  # the grid around a hole
    assert of(({"c0": x, "c1": x * x} for x in (1.0, 2.0, 3.0, 4.0)), family) is None
    assert of(({"c0": x, "c1": 0.0} for x in (1.0, 2.0)), family) is None
    assert of(signs.tasks("train"), signs) is None  # a sign has curves of its own
    assert of(cartpole.tasks("train"), cartpole) is None


def test_a_heatmap_of_one_line_is_refused(result: Make) -> None:
    family = Family.load("ode-2d")
    with pytest.raises(ValueError, match="two values"):
        heatmap([result({"c0": x, "c1": 0.0}, x) for x in (0.0, 1.0)], family, ("c0", "c1"), agent="a")
