"""The figure of returns by episode."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from hyperrl.evaluation.figures import return_by_episode
from hyperrl.evaluation.summary import SplitSummary, summary_of
from hyperrl.evaluation.zero_shot import TaskResult


def summaries(*means: float, tasks: int = 3) -> list[SplitSummary]:
    return [
        summary_of([[TaskResult({"c0": 1.0}, "train", [mean + task], [1], None) for task in range(tasks)]])
        for mean in means
    ]


def test_a_curve_for_each_way_over_episodes(tmp_path: Path) -> None:
    curves = {"context identified": summaries(1, 5, 6), "true context": summaries(7, 7, 7)}
    figure = return_by_episode("title", curves, tmp_path / "figure.png")
    (axes,) = figure.axes
    lines = {str(line.get_label()): line for line in axes.lines}
    assert set(lines) == set(curves)
    assert np.array_equal(lines["context identified"].get_xdata(), [1, 2, 3])
    assert np.array_equal(lines["context identified"].get_ydata(), [2, 6, 7])
    assert len(axes.collections) == 2
    assert imread(tmp_path / "figure.png").ndim == 3


def test_one_task_has_no_interval_and_nothing_is_an_error() -> None:
    assert return_by_episode("title", {"context identified": summaries(1, 5, tasks=1)}).axes
    with pytest.raises(ValueError, match="no returns"):
        return_by_episode("title", {})
