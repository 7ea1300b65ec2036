from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from hyperrl.evaluation.figures import reward_over_time
from tests.evaluation.test_over_time import result
from tests.evaluation.test_report import evaluation, run


def test_a_line_for_each_split_over_the_episode_and_since_the_jump(tmp_path: Path) -> None:
    rewards = [1.0] * 20 + [0.0] * 5 + [1.0] * 15
    played = replace(run(0), split_tasks=[result((rewards, (20,)))], own_tasks=[])
    changing = replace(evaluation(played), schedules={"x": "jump:20"})
    figure = reward_over_time(changing, tmp_path / "figure.png")
    whole, since = (axes.lines[0] for axes in figure.axes)
    assert np.array_equal(whole.get_ydata(), rewards)
    assert np.array_equal(since.get_ydata(), rewards[20:])
    assert whole.get_label() == since.get_label() == "train"
    assert imread(tmp_path / "figure.png").ndim == 3
    drifting = evaluation(replace(played, split_tasks=[result((rewards, ()))]))
    assert len(reward_over_time(replace(drifting, schedules={"x": "drift"})).axes) == 1
    with pytest.raises(ValueError, match="no rewards over time"):
        reward_over_time(evaluation(run(0)))
