from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from hyperrl.evaluation import TaskResult
from hyperrl.evaluation.figures import learning_curves, return_over_context
from hyperrl.tasks import Family
from tests.evaluation.figures.parts import (
    Make,
    assert_nothing_overlaps_or_is_cut,
    labels,
    ode_results,
    oracles,
    y_of,
)


def test_curves_show_agents_oracle_training_tasks_and_range(
    tmp_path: Path, result: Make, ode: Family
) -> None:
    path = tmp_path / "figures" / "ode.png"
    agents = {
        name: ode_results(result, ode, level, 3) for name, level in (("hyper", 150.0), ("concat", 80.0))
    }
    figure = return_over_context(agents, ode, path)
    assert labels(figure) == [
        "hyper", "concat", "train", "interpolation", "extrapolation", "95 % interval", "oracle",
        "training task", "outside the training range",
    ]  # fmt: skip
    axes = figure.axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("c0 (1/time)", "episode return")
    lines = {line.get_label(): line for line in axes.get_lines()}
    np.testing.assert_allclose(y_of(lines["hyper"]), np.full(21, 151.0))  # mean of 150, 151, 152
    np.testing.assert_allclose(
        np.sort(np.asarray(lines["training task"].get_xdata(), dtype=float)), [-5, -1, 1, 5]
    )
    best = oracles(ode, ({"c0": float(c0)} for c0 in range(-10, 11)))
    np.testing.assert_allclose(y_of(lines["oracle"]), best)
    bands = [np.asarray(band.get_paths()[0].vertices) for band in axes.collections]
    reach = 4.302652729911275 / 3**0.5  # Student's t of 2 degrees of freedom; returns 150, 151 and 152
    expected = [(level - reach, level + reach) for level in (151, 81)]
    np.testing.assert_allclose([(b[:, 1].min(), b[:, 1].max()) for b in bands if len(b) > 10], expected)
    assert "3 seeds" in figure.legends[0].get_title().get_text()
    assert_nothing_overlaps_or_is_cut(figure)
    image = imread(path)
    assert image.shape[1] == pytest.approx(7.4 * 200, abs=1)
    assert 0.5 < image[..., :3].mean() < 0.995  # neither empty nor black
    assert [file.name for file in path.parent.iterdir()] == ["ode.png"]


def test_a_sign_gives_a_panel_for_each_of_its_values(result: Make) -> None:
    family = Family.load("double-integrator")
    sign = next(name for name, feature in family.recipe.features.items() if feature.values is not None)
    mass = next(name for name in family.space.names if name != sign)
    results = [result({sign: s, mass: m}, 10 * m + s) for s in (-1.0, 1.0) for m in (0.5, 1.0, 2.0)]
    figure = return_over_context({"hyper": results}, family)
    assert [axes.get_title() for axes in figure.axes] == [f"{sign} = -1", f"{sign} = 1"]
    curves = [next(line for line in axes.get_lines() if line.get_label() == "hyper") for axes in figure.axes]
    np.testing.assert_allclose([np.asarray(c.get_ydata()) for c in curves], [[4, 9, 19], [6, 11, 21]])
    assert_nothing_overlaps_or_is_cut(figure)


def test_panels_share_a_scale_that_holds_them_all(result: Make) -> None:
    family = Family.load("double-integrator")
    sign, mass = family.space.names
    assert family.recipe.features[sign].values is not None
    results = [result({sign: s, mass: m}, 0.0 if s < 0 else 50 * m) for s in (-1.0, 1.0) for m in (0.5, 1.0)]
    figure = return_over_context({"hyper": results}, family)
    for axes in figure.axes:
        low, high = axes.get_ylim()
        assert low < 0  # a curve at zero is not hidden by the axis
        assert high > 50


def test_many_features_give_points_in_a_panel_each(result: Make, cartpole: Family) -> None:
    results = [result(task, 100.0) for task in cartpole.tasks("extrapolation")]
    figure = return_over_context({"hyper": results, "concat": results}, cartpole)
    assert [axes.get_xlabel().split(" ")[0] for axes in figure.axes] == list(cartpole.space.names)
    points = figure.axes[0].get_lines()[0]
    colors = [{line.get_color() for line in axes.get_lines()} for axes in figure.axes]
    assert all(len(each) == 3 and each == colors[0] for each in colors)  # two agents, one split
    assert points.get_linestyle() == "None"
    assert len(np.asarray(points.get_xdata())) == len(results)
    assert_nothing_overlaps_or_is_cut(figure)


def test_returns_below_zero_are_not_cut(result: Make, ode: Family) -> None:
    results = [result({"c0": float(c0)}, -500.0 + c0) for c0 in (-2, 0, 2)]
    assert return_over_context({"hyper": results}, ode).axes[0].get_ylim()[0] < -502


def test_intervals_beyond_all_returns_do_not_flatten_the_points(ode: Family) -> None:
    """Two episodes of -100 and 0 have an interval from -685 to 585."""
    two = [TaskResult({"c0": float(c0)}, "train", [-100.0, 0.0], [200, 200], None) for c0 in (1, 2, 3)]
    low, high = return_over_context({"hyper-ppo": two}, ode).axes[0].get_ylim()
    assert -110 < low <= -100
    assert 0 <= high < 10


def test_nothing_to_draw_is_an_error(ode: Family) -> None:
    with pytest.raises(ValueError, match="no results"):
        return_over_context({"hyper": []}, ode)
    with pytest.raises(ValueError, match="no learning curves"):
        learning_curves({})
