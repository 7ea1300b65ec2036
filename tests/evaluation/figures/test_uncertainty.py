from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from hyperrl.evaluation.figures import draw_uncertainty
from tests.evaluation.test_report import evaluation, run
from tests.evaluation.test_uncertainty_report import run_of


def test_disagreement_over_steps_and_predicted_returns_are_drawn(tmp_path: Path) -> None:
    figure = draw_uncertainty(evaluation(replace(run(0), uncertainty=run_of())), tmp_path / "x.png")
    lines = {str(line.get_label()): line for line in figure.axes[0].lines}
    assert set(lines) == {"interpolation", "extrapolation", "own tasks"}
    assert np.allclose(np.asarray(lines["extrapolation"].get_ydata(), float), [0.35, 1.05])
    assert imread(tmp_path / "x.png").ndim == 3
    with pytest.raises(ValueError, match="no uncertainty"):
        draw_uncertainty(evaluation(run(0)))
