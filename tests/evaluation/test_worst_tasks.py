import json

import pytest

from hyperrl.evaluation.worst_tasks import (
    BUDGET,
    FRESH_EPISODES,
    SERIAL_BUDGET,
    WorstRequest,
    WorstTask,
    WorstTasks,
    summarize_worst,
    worst_request,
)
from hyperrl.evaluation.zero_shot import TaskResult
from hyperrl.tasks import Family
from tests.runs import message

ODE = Family.load("ode")


def test_defaults_follow_the_family() -> None:
    assert worst_request(ODE, None, None, None, 3) is None
    assert worst_request(ODE, "regret", None, None, None) == WorstRequest(
        "regret", "declared", BUDGET, FRESH_EPISODES
    )
    assert worst_request(ODE, "return", "training", 300, 7) == WorstRequest("return", "training", 300, 7)
    serial = worst_request(Family.load("acrobot"), "return", None, None, None)
    assert serial is not None
    assert serial.budget == SERIAL_BUDGET


def test_bad_requests_are_refused_in_one_line() -> None:
    said = message(worst_request, Family.load("cartpole"), "regret", None, None, None)
    assert said.startswith("worst: found regret on family 'cartpole', whose best returns are not known;")
    assert message(worst_request, ODE, None, "training", None, None) == (
        "worst_within: found 'training' without worst; allowed: with it alone"
    )
    assert message(worst_request, ODE, None, None, 500, None).startswith("worst_budget: found 500 without")
    assert message(worst_request, ODE, "return", None, 5, None).startswith("worst_budget: found 5; allowed:")


def test_the_summary_has_fresh_returns_with_intervals_and_regrets() -> None:
    fresh = TaskResult({"c0": 2.0}, "interpolation", [100.0, 120.0, 110.0], [200] * 3, 165.0)
    tried = [TaskResult({"c0": 2.0}, "interpolation", [90.0], [200], 165.0)] * 4
    search = WorstTasks(WorstRequest("regret", "training", 100, 3), tried, [WorstTask(fresh, 90.0)])
    summary = summarize_worst([search, search], [0, 1])
    assert json.loads(json.dumps(summary, allow_nan=False))["candidates"] == 8
    assert [each["seed"] for each in summary["tasks"]] == [0, 1]
    (first, _) = summary["tasks"]
    assert (first["mean"], first["searched"], first["regret"]) == (110.0, 90.0, 55.0)
    assert first["low"] is not None
    assert first["high"] is not None
    assert first["low"] < 110 < first["high"]
    assert first["of_oracle"] == pytest.approx(110 / 165)
