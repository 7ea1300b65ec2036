import numpy as np
import pytest

from hyperrl.evaluation.comparison import Estimate
from hyperrl.evaluation.figures.profiles import improvements, performance_profiles
from tests.evaluation.figures.parts import assert_nothing_overlaps_or_is_cut, labels, y_of


def test_profiles_fall_from_all_to_none() -> None:
    rng = np.random.default_rng(0)
    panels = {
        split: {"hyper-ppo": rng.normal(100, 5, (4, 6)), "concat-ppo": rng.normal(90, 5, (4, 6))}
        for split in ("train", "interpolation", "extrapolation")
    }
    figure = performance_profiles(panels, xlabel="return / oracle")
    assert labels(figure) == ["hyper-ppo", "concat-ppo"]
    for axes in figure.axes:
        assert len(axes.collections) == 2  # bands
        for line in axes.lines:
            assert (y_of(line)[0], y_of(line)[-1]) == (1.0, 0.0)
            assert (np.diff(y_of(line)) <= 0).all()
    assert_nothing_overlaps_or_is_cut(figure)


def test_a_profile_of_one_run_has_no_band_and_equal_scores_have_one() -> None:
    figure = performance_profiles({"train": {"one": np.full((1, 3), 500.0)}})
    assert not figure.axes[0].collections
    assert y_of(figure.axes[0].lines[0]).tolist()[:2] == [1.0, 1.0]


def test_probabilities_stand_in_rows_with_their_intervals() -> None:
    panels = {
        "train": {"a over b": Estimate(0.8, 0.6, 0.9), "c over b": Estimate(0.5)},
        "extrapolation": {"a over b": Estimate(0.1, 0.0, 0.3)},
    }
    figure = improvements(panels)
    first, second = figure.axes
    assert [text.get_text() for text in first.get_yticklabels()] == ["a over b", "c over b"]
    assert [np.asarray(line.get_xdata()).tolist() for line in first.lines[1:]] == [[0.6, 0.9], [0.8], [0.5]]
    assert [np.asarray(line.get_xdata()).tolist() for line in second.lines[1:]] == [[0.0, 0.3], [0.1]]


def test_nothing_to_draw_is_an_error() -> None:
    for draw in (performance_profiles, improvements):
        with pytest.raises(ValueError, match="to draw"):
            draw({})
