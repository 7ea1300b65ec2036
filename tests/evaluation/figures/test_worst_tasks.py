from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from hyperrl.evaluation.figures import draw_worst_tasks
from hyperrl.evaluation.worst_tasks import WorstRequest, WorstTask, WorstTasks
from hyperrl.evaluation.zero_shot import TaskResult
from hyperrl.tasks import Family
from tests.evaluation.test_report import evaluation, run


def test_all_tasks_tried_and_the_worst_are_drawn(tmp_path: Path) -> None:
    ode = Family.load("ode")
    tried = [TaskResult({"c0": c0}, "interpolation", [10 * c0], [200], 100.0) for c0 in (1.0, 2.0, 3.0)]
    search = WorstTasks(WorstRequest("regret", "declared", 100, 1), tried, [WorstTask(tried[0], 5.0)])
    figure = draw_worst_tasks(evaluation(replace(run(0), worst=search)), ode, tmp_path / "worst.png")
    (axes,) = figure.axes
    lines = {str(line.get_label()): line for line in axes.lines}
    assert np.array_equal(lines["tried in the search"].get_ydata(), [90, 80, 70])
    assert np.array_equal(lines["worst, on fresh starts"].get_xdata(), [1])
    assert imread(tmp_path / "worst.png").ndim == 3
    with pytest.raises(ValueError, match="no search"):
        draw_worst_tasks(evaluation(run(0)), ode)
