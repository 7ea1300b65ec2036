"""Adaptations in numbers."""

import math
from typing import Any

import pytest

from hyperrl.evaluation.zero_shot import TaskResult
from hyperrl.identify.adaptation import AdaptedTask
from hyperrl.identify.adaptation_report import Adaptation
from hyperrl.identify.inference import Posterior, Settings
from hyperrl.identify.posterior import FeatureEstimate
from hyperrl.identify.prior import Prior
from hyperrl.tasks import Family


def task(
    name: str,
    true: dict[str, float],
    found: list[dict[str, float]],
    returns: tuple[float, ...] = (20.0, 80.0),
    exact: tuple[float, ...] = (80.0, 100.0),
) -> AdaptedTask:
    """A task whose estimates after its episodes were such ones."""
    complete = Family.load(name).space.complete
    posteriors = [
        Posterior(
            complete(each), {key: FeatureEstimate(v, v - 1, v + 1, (0, 9), 0.1) for key, v in each.items()},
            {}, ("a note",),
        )
        for each in found
    ]  # fmt: skip
    with_context = TaskResult(complete(true), "interpolation", list(exact), [9, 9], None)
    return AdaptedTask(
        complete(true), "interpolation", (None, posteriors[0].context), returns, (10, 20), with_context,
        tuple(posteriors),
    )  # fmt: skip


def adaptation(name: str, *tasks: AdaptedTask) -> Adaptation:
    return Adaptation(
        "runs/x", "hyper-ppo", name, 7, "best", 64, "dynamics", "explore", Settings(most=25),
        Prior(Family.load(name).space), tasks,
    )  # fmt: skip


def test_episodes_are_means_over_tasks_beside_the_true_context() -> None:
    one = task("double-integrator", {"mass": 1.0}, [{"mass": 1.5, "action_sign": -1}, {"mass": 1.1}])
    other = task("double-integrator", {"mass": 1.2}, [{"mass": 1.3}, {"mass": 1.2}], (40.0, 120.0))
    found = adaptation("double-integrator", one, other)
    first, second = found.by_episode
    assert (first["episode"], first["mean"], first["with_context"]) == (1, 30, 80)
    assert (second["mean"], second["with_context"], second["of_with_context"]) == (100, 100, 1)
    assert first["low"] is not None
    assert first["errors"] == pytest.approx({"action_sign": 0.5, "mass": 0.3})
    assert second["errors"] == pytest.approx({"action_sign": 0.0, "mass": 0.05})


def test_negative_returns_have_no_ratio() -> None:
    found = adaptation("ode", task("ode", {"c0": 1}, [{"c0": 1}, {"c0": 2}], (-9.0, -8.0), (-4.0, 0.0)))
    assert [each["of_with_context"] for each in found.by_episode] == [None, None]
    assert [each["of_with_context"] for each in found.to_json()["tasks"][0]["episodes"]] == [None, None]


def test_errors_of_angles_go_around() -> None:
    found = adaptation(
        "point-goal", task("point-goal", {"angle": 0.1}, [{"angle": 2 * math.pi - 0.1}, {"angle": 0.1}])
    )
    assert found.by_episode[0]["errors"] == pytest.approx({"angle": 0.2})


def test_the_object_that_is_printed() -> None:
    data: Any = adaptation("ode", task("ode", {"c0": -3}, [{"c0": -2}, {"c0": -3}])).to_json()
    assert (data["first"], data["episodes"], data["checkpoint"]) == (
        "explore", 2, {"name": "best", "steps": 64}
    )  # fmt: skip
    (row,) = data["tasks"]
    assert (row["context"], row["split"]) == ({"c0": -3}, "interpolation")
    first, second = row["episodes"]
    assert (first["observed_context"], second["observed_context"]) == (None, {"c0": -2})
    assert (first["return"], first["return_with_context"], first["of_with_context"]) == (20, 80, 0.25)
    assert first["features"]["c0"]["low"] == -3
    assert second["estimate"] == {"c0": -3}
    assert second["notes"] == ["a note"]


def test_the_last_estimate_is_one_of_identify() -> None:
    found = adaptation("ode", task("ode", {"c0": -3}, [{"c0": -2}, {"c0": -3}])).estimate()
    assert (dict(found.context), found.transitions, found.episodes) == ({"c0": -3}, (30, 25), 2)
    assert found.data == "episodes of runs/x"
