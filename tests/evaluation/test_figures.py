from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread
from numpy.typing import NDArray

from hyperrl.evaluation import TaskResult
from hyperrl.evaluation.figures import heatmap, learning_curves, plane, return_over_context
from hyperrl.evaluation.figures.learning import aligned
from hyperrl.evaluation.figures.style import COLORS
from hyperrl.tasks import Family

Make = Callable[..., TaskResult]


def labels(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def y_of(line: Any) -> NDArray[np.float64]:
    return np.asarray(line.get_ydata(), dtype=np.float64)


def oracles(family: Family, contexts: Iterable[dict[str, float]]) -> list[float]:
    found = [family.oracle(context) for context in contexts]
    return [value for value in found if value is not None]


def boxes(figure: Figure) -> Iterator[tuple[float, float, float, float]]:
    """Pixel boxes of the legend and of each panel with its labels."""
    parts: list[Any] = [figure.legends[0], *figure.axes]
    for part in parts:
        box = part.get_tightbbox(figure.canvas.get_renderer())  # type: ignore[attr-defined]
        yield box.x0, box.y0, box.x1, box.y1


def assert_nothing_overlaps_or_is_cut(figure: Figure) -> None:
    width, height = figure.canvas.get_width_height()
    found = list(boxes(figure))
    for x0, y0, x1, y1 in found:
        assert x0 > -1
        assert y0 > -1
        assert x1 < width + 1
        assert y1 < height + 1
    for i, one in enumerate(found):
        for other in found[i + 1 :]:
            apart_x = one[2] <= other[0] + 2 or other[2] <= one[0] + 2
            apart_y = one[3] <= other[1] + 2 or other[3] <= one[1] + 2
            assert apart_x or apart_y, (one, other)


def ode_results(result: Make, ode: Family, level: float, seeds: int) -> list[TaskResult]:
    points = [(seed, float(c0)) for seed in range(seeds) for c0 in range(-10, 11)]
    return [result({"c0": c0}, level + seed, ode.oracle({"c0": c0})) for seed, c0 in points]


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
    drawn = {line.get_label(): line for line in axes.get_lines()}
    np.testing.assert_allclose(y_of(drawn["hyper"]), np.full(21, 151.0))  # mean of 150, 151, 152
    np.testing.assert_allclose(
        np.sort(np.asarray(drawn["training task"].get_xdata(), dtype=float)), [-5, -1, 1, 5]
    )
    best = oracles(ode, ({"c0": float(c0)} for c0 in range(-10, 11)))
    np.testing.assert_allclose(y_of(drawn["oracle"]), best)
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


def test_the_worst_task_is_told_with_its_part_of_the_oracle(result: Make, ode: Family) -> None:
    results = [result({"c0": c0}, mean, 100.0) for c0, mean in ((1.0, 43.0), (2.0, 99.0))]
    figure = return_over_context({"hyper": results}, ode)
    assert "worst task: 43 (43% of the oracle) at c0 = 1 1/time" in figure.legends[0].get_title().get_text()
    ring = next(line for line in figure.axes[0].get_lines() if line.get_label() == "worst task")
    assert (list(ring.get_xdata()), list(ring.get_ydata())) == ([1.0], [43.0])  # type: ignore[arg-type]


def test_no_line_crosses_a_gap_that_was_not_tested(result: Make, ode: Family) -> None:
    values = [-4.0, -3.0, -2.0, 2.0, 3.0, 4.0]
    figure = return_over_context({"hyper": [result({"c0": c0}, 100.0, 150.0) for c0 in values]}, ode)
    lines = {line.get_label(): line for line in figure.axes[0].get_lines()}
    for name in ("hyper", "oracle"):
        x = np.asarray(lines[name].get_xdata(), dtype=float)
        assert np.isnan(x[3])
        np.testing.assert_allclose(np.delete(x, 3), values)


def test_agents_keep_their_colors_and_differ(result: Make, ode: Family) -> None:
    agents = {f"agent-{i}": ode_results(result, ode, 100.0 - i, 1) for i in range(6)}
    figure = return_over_context(agents, ode)
    lines = {line.get_label(): line for line in figure.axes[0].get_lines()}
    assert [lines[name].get_color() for name in agents] == list(COLORS)
    assert len({lines[name].get_marker() for name in agents}) == 6
    assert_nothing_overlaps_or_is_cut(figure)


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


def test_powers_are_raised_in_units(result: Make, cartpole: Family) -> None:
    results = [result({**cartpole.space.default, "gravity": g}, g) for g in (5.0, 10.0)]
    assert return_over_context({"a": results}, cartpole).axes[0].get_xlabel() == "gravity (m/s²)"


def test_a_heatmap_of_one_line_is_refused(result: Make) -> None:
    family = Family.load("ode-2d")
    with pytest.raises(ValueError, match="two values"):
        heatmap([result({"c0": x, "c1": 0.0}, x) for x in (0.0, 1.0)], family, ("c0", "c1"), agent="a")


def test_learning_curves_are_interquartile_means_with_intervals(tmp_path: Path) -> None:
    steps = np.arange(1, 6) * 1000
    rng = np.random.default_rng(0)
    runs = [(steps, rng.normal(100, 5, (5, 4))) for _ in range(5)]
    figure = learning_curves(
        {"interpolation": {"hyper": runs, "blind": runs[:1]}, "extrapolation": {"hyper": runs}},
        tmp_path / "learning.png",
        references={"interpolation": 120.0},
        title="ode",
    )
    assert labels(figure) == ["hyper", "blind", "oracle"]
    line = next(line for line in figure.axes[0].get_lines() if line.get_label() == "hyper")
    pooled = np.sort(np.stack([score for _, score in runs], 1).reshape(5, -1), axis=1)[:, 5:15].mean(axis=1)
    np.testing.assert_allclose(y_of(line), pooled)
    assert len(figure.axes[0].collections) == 1  # one band: a single run has no interval
    assert figure.axes[0].get_xlabel() == "environment steps"
    assert_nothing_overlaps_or_is_cut(figure)
    assert (tmp_path / "learning.png").stat().st_size > 10_000


def test_runs_measured_at_other_steps_are_aligned() -> None:
    steps, scores = aligned([([0, 10, 20, 30], [0.0, 1.0, 2.0, 3.0]), ([5, 25], [10.0, 20.0])])
    np.testing.assert_allclose(steps, [10, 20])
    np.testing.assert_allclose(scores[:, :, 0], [[1.0, 12.5], [2.0, 17.5]])
    with pytest.raises(ValueError, match="share no steps"):
        aligned([([0, 1], [0.0, 1.0]), ([5, 6], [0.0, 1.0])])


def test_nothing_to_draw_is_an_error(ode: Family) -> None:
    with pytest.raises(ValueError, match="no results"):
        return_over_context({"hyper": []}, ode)
    with pytest.raises(ValueError, match="no learning curves"):
        learning_curves({})


def test_the_style_stays_inside(result: Make, ode: Family) -> None:
    import matplotlib

    before = dict(matplotlib.rcParams)
    return_over_context({"hyper": ode_results(result, ode, 1.0, 1)}, ode)
    assert dict(matplotlib.rcParams) == before
