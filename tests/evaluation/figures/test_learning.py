from pathlib import Path

import numpy as np
import pytest

from hyperrl.evaluation.figures import learning_curves
from hyperrl.evaluation.figures.learning import aligned
from tests.evaluation.figures.parts import assert_nothing_overlaps_or_is_cut, labels, y_of


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
