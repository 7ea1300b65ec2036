import json

import numpy as np
import pytest

from hyperrl.evaluation.uncertainty import EpisodeUncertainty, RunUncertainty
from hyperrl.evaluation.uncertainty_report import auroc, predicted_interval, summarize_uncertainty
from hyperrl.evaluation.zero_shot import TaskResult


def episode(actions: float, values: float, predicted: list[float], realized: float) -> EpisodeUncertainty:
    return EpisodeUncertainty(
        np.array([actions, 3 * actions]), np.full(2, values), np.array(predicted), realized
    )


def run_of(shift: float = 0.0) -> RunUncertainty:
    tasks = [
        TaskResult({"c0": 2.0}, "interpolation", [80.0], [2], 100.0),
        TaskResult({"c0": 8.0}, "extrapolation", [20.0], [2], 100.0),
        TaskResult({"c0": 9.0}, "extrapolation", [90.0], [2], 100.0),
        TaskResult({"c0": 1.0}, "interpolation", [90.0], [2], 100.0),
    ]
    episodes = [
        [episode(0.1, 1.0, [9.0, 11.0], 10.5 + shift)],
        [episode(0.4, 2.0, [9.0, 11.0], 40.0)],
        [episode(0.3, 0.5, [9.0, 11.0], 10.0)],
        [episode(0.2, 3.0, [9.0, 11.0], 10.0)],
    ]
    return RunUncertainty(2, "runs", 0.9, episodes, tasks, 3)


def test_splits_tasks_and_steps_in_numbers() -> None:
    summary = summarize_uncertainty([run_of()])
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary
    assert list(summary["splits"]) == ["interpolation", "extrapolation"]
    outside = summary["splits"]["extrapolation"]
    assert outside["actions"] == pytest.approx(0.7)  # means over two steps
    assert (outside["predicted"], outside["realized"]) == (10.0, 25.0)
    assert outside["spread"] == pytest.approx(np.sqrt(2))
    assert outside["coverage"] == {"0.5": 0.5, "0.8": 0.5, "0.9": 0.5, "0.95": 0.5}
    assert summary["own"]["actions"] == pytest.approx(0.4)
    assert summary["steps"]["extrapolation"]["actions"] == pytest.approx([0.35, 1.05])
    assert summary["extrapolation"] == {"actions": 1.0, "values": 0.25}
    assert summary["failure"] == {"actions": 1.0, "values": pytest.approx(2 / 3)}


def test_several_runs_are_pooled() -> None:
    summary = summarize_uncertainty([run_of(), run_of(1.0)])
    assert summary["splits"]["interpolation"]["realized"] == pytest.approx(11.0)


def test_the_area_under_the_curve_is_a_probability() -> None:
    assert auroc([1, 2, 3, 4], [False, False, True, True]) == 1
    assert auroc([1, 1, 1], [False, True, True]) == 0.5
    assert auroc([3, 1, 2], [True, False, True]) == 1
    assert auroc([3, 1], [True, True]) is None


def test_predicted_intervals_cover_what_they_promise() -> None:
    rng = np.random.default_rng(0)
    drawn = rng.normal(size=(2000, 6))
    for level in (0.5, 0.9):
        intervals = [predicted_interval(row[:5], level) for row in drawn]
        held = np.mean([low <= row[5] <= high for row, (low, high) in zip(drawn, intervals, strict=True)])
        assert held == pytest.approx(level, abs=0.03)
