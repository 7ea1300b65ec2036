"""Results grouped by split, with the intervals of their means and the gaps between them."""

import numpy as np
import pytest

from hyperrl.evaluation import TaskResult
from hyperrl.evaluation.figures import return_over_context
from hyperrl.tasks import Family
from tests.evaluation.figures.parts import Make, assert_nothing_overlaps_or_is_cut


def test_one_agents_points_have_their_splits_colors_and_the_band_its_episodes_interval(
    cartpole: Family,
) -> None:
    lengths = [0.3, 0.5, 1.0, 2.0]
    contexts = [{**cartpole.space.default, "length": length} for length in lengths]
    returns = [[10.0, 14.0], [20.0, 20.0], [30.0, 34.0], [400.0, 440.0]]
    results = [
        TaskResult(context, cartpole.flag(context), own, [1, 1], None)
        for context, own in zip(contexts, returns, strict=True)
    ]
    figure = return_over_context({"hyper": results}, cartpole)
    lines = {line.get_label(): line for line in figure.axes[0].get_lines()}
    np.testing.assert_allclose(np.asarray(lines["interpolation"].get_xdata(), dtype=float), lengths[:3])
    np.testing.assert_allclose(np.asarray(lines["extrapolation"].get_xdata(), dtype=float), lengths[3:])
    assert lines["interpolation"].get_color() != lines["extrapolation"].get_color()
    band = np.asarray(figure.axes[0].collections[0].get_paths()[0].vertices)
    ends = band[np.isclose(band[:, 0], 0.3)][:, 1]
    assert (ends.min(), ends.max()) == pytest.approx((12 - 2 * 12.7062047, 12 + 2 * 12.7062047))
    title = figure.legends[0].get_title().get_text()
    assert "mean of 2 episodes a task" in title
    assert "held: gravity = 9.8 m/s², masscart = 1 kg, masspole = 0.1 kg, force_mag = 10 N" in title
    assert "worst task: 12 at length = 0.3 m" in title
    assert_nothing_overlaps_or_is_cut(figure)


def test_no_line_crosses_a_gap_that_was_not_tested(result: Make, ode: Family) -> None:
    values = [-4.0, -3.0, -2.0, 2.0, 3.0, 4.0]
    figure = return_over_context({"hyper": [result({"c0": c0}, 100.0, 150.0) for c0 in values]}, ode)
    lines = {line.get_label(): line for line in figure.axes[0].get_lines()}
    for name in ("hyper", "oracle"):
        x = np.asarray(lines[name].get_xdata(), dtype=float)
        assert np.isnan(x[3])
        np.testing.assert_allclose(np.delete(x, 3), values)
