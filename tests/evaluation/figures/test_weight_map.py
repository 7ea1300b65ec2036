import numpy as np
import pytest

from hyperrl.evaluation.figures.weight_map import Projection, principal_components, weight_map
from hyperrl.tasks import Family
from tests.evaluation.figures.parts import labels


def test_principal_components_are_those_of_the_covariance() -> None:
    rows = np.random.default_rng(0).normal(size=(30, 5)) * [5.0, 3.0, 1.0, 1.0, 0.1]
    found = principal_components(rows)
    variances, axes = np.linalg.eigh(np.cov(rows.T))
    expected = (rows - rows.mean(axis=0)) @ axes[:, ::-1][:, :2]
    np.testing.assert_allclose(np.abs(found.points), np.abs(expected), atol=1e-9)
    np.testing.assert_allclose(found.explained, variances[::-1][:2] / variances.sum(), rtol=1e-9)
    assert (found.points[np.abs(found.points).argmax(axis=0), [0, 1]] > 0).all()


@pytest.mark.parametrize("rows", [1, 2, 4])
def test_few_or_equal_rows_have_places(rows: int) -> None:
    found = principal_components(np.ones((rows, 3)))
    assert not found.points.any()
    assert not found.explained.any()
    two = principal_components(np.array([[0.0, 0.0], [2.0, 0.0]]))
    np.testing.assert_allclose(np.sort(two.points[:, 0]), [-1.0, 1.0])


def test_each_feature_colors_a_panel() -> None:
    family = Family.load("ode-2d")
    contexts = [{"c0": 1.0, "c1": 2.0}, {"c0": -5.0, "c1": 3.0}, {"c0": 9.0, "c1": 3.0}]
    projection = Projection(np.array([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]), np.array([0.7, 0.2]))
    figure = weight_map(projection, contexts, ["train", "train", "extrapolation"], family, agent="hyper-ppo")
    assert labels(figure) == ["train", "extrapolation"]
    first, second = figure.axes[:2]
    assert first.get_xlabel() == "component 1 (70% of the variance)"
    assert [bar.get_ylabel() for bar in figure.axes[2:]] == ["c0 (1/time)", "c1 (1/time)"]
    for axes, name in ((first, "c0"), (second, "c1")):
        drawn = [value for points in axes.collections for value in np.asarray(points.get_array())]
        assert drawn == [context[name] for context in contexts]
        assert len({points.get_clim() for points in axes.collections}) == 1


def test_no_tasks_is_an_error() -> None:
    nothing = Projection(np.zeros((0, 2)), np.zeros(2))
    with pytest.raises(ValueError, match="no tasks"):
        weight_map(nothing, [], [], Family.load("ode"), agent="a")
