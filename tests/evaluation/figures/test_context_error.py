from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from hyperrl.evaluation.error_report import ErrorResult
from hyperrl.evaluation.figures import return_over_error
from tests.evaluation.test_report import evaluation, run


def test_a_curve_for_each_split_begins_at_error_0(tmp_path: Path) -> None:
    errors = tuple(
        ErrorResult(size, 4, run(0, shift).split_tasks, run(0, shift).own_tasks)
        for size, shift in ((0.1, -1.0), (0.2, -2.0))
    )
    figure = return_over_error(evaluation(replace(run(0), errors=errors)), tmp_path / "figure.png")
    lines = {str(line.get_label()): line for line in figure.axes[0].lines}
    assert set(lines) == {"interpolation", "extrapolation", "own tasks"}
    for name, values in (("interpolation", [7, 6, 5]), ("extrapolation", [1, 0, -1])):
        assert np.array_equal(lines[name].get_xdata(), [0, 0.1, 0.2])
        assert np.array_equal(lines[name].get_ydata(), values)
    assert imread(tmp_path / "figure.png").ndim == 3


def test_without_errors_there_is_nothing_to_draw() -> None:
    with pytest.raises(ValueError, match="no errors"):
        return_over_error(evaluation(run(0)))
