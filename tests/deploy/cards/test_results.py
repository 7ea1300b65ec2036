"""What evaluations say of a checkpoint, and which of them count."""

from pathlib import Path
from typing import Any

import pytest

from hyperrl import api
from hyperrl.deploy.cards.results import MeanReturn, of_episodes, schedules_of, split_returns, task_return
from hyperrl.recipes import dump_yaml
from hyperrl.store import Run
from hyperrl.tasks import Family
from tests.runs import untrained


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return untrained(tmp_path / "run", "hyper-ppo", "ode", ["policy.net_arch=[4]"])


@pytest.fixture(scope="module")
def family() -> Family:
    return Family.load("ode")


def test_the_numbers_are_those_of_evaluate(run: Run, family: Family) -> None:
    assert split_returns(run, 16) == []
    assert task_return(run, family, {"c0": 2.5}, 16) is None
    evaluation = api.evaluate(run, splits=["interpolation"], episodes=2)
    own = api.evaluate(run, contexts=[{"c0": 2.5}], episodes=3)
    (row,) = split_returns(run, 16)
    summary = evaluation.splits["interpolation"]
    assert (row.split, row.tasks, row.episodes) == ("interpolation", summary["tasks"], 2)
    assert (row.mean, row.low, row.high, row.oracle) == (
        summary["mean"], summary["low"], summary["high"], summary["oracle"]
    )  # fmt: skip
    assert row.worst == summary["worst"]["mean"]
    of_task = task_return(run, family, {"c0": 2.5}, 16)
    assert of_task is not None
    assert (of_task.mean, of_task.episodes, of_task.split) == (own.tasks[0].mean, 3, "interpolation")
    assert of_task.low is not None


@pytest.mark.parametrize(
    "options",
    [
        {"shuffle_contexts": True},
        {"deterministic": False},
        {"checkpoint": "latest"},
        {"schedules": {"c0": "jump:50"}},
    ],
    ids=lambda options: next(iter(options)),
)
def test_evaluations_of_something_else_do_not_count(options: dict[str, Any], run: Run) -> None:
    api.evaluate(run, splits=["interpolation"], episodes=1, **options)
    assert split_returns(run, 16) == []


def test_most_episodes_count_and_then_the_end_of_the_training(run: Run, family: Family) -> None:
    task = {"context": {"c0": 1.0}, "split": "train", "oracle": None}

    def saved(name: str, mean: float, episodes: int) -> None:
        split = {
            "tasks": 1, "episodes": episodes, "mean": mean, "low": None, "high": None, "oracle": None,
            "worst": {"mean": mean},
        }  # fmt: skip
        data = {
            "checkpoint": {"name": "best", "steps": 16}, "deterministic": True, "start_seed": 0,
            "splits": {"train": split}, "tasks": [{**task, "returns": [mean] * episodes}],
        }  # fmt: skip
        run.save_evaluation(data, name)

    def means() -> tuple[float, float]:
        of_task = task_return(run, family, {"c0": 1}, 16)
        assert of_task is not None
        return split_returns(run, 16)[0].mean, of_task.mean

    saved("evaluation-2", 2.0, 1)
    saved("evaluation-3", 3.0, 1)
    assert means() == (3.0, 3.0)
    saved("final", 1.0, 1)
    assert means() == (1.0, 1.0)
    saved("evaluation-1", 4.0, 2)
    assert means() == (4.0, 4.0)


@pytest.mark.parametrize("content", ["", "[]", '{"splits": 3}', '{"checkpoint": {"steps": 16}}'])
def test_files_that_hold_something_else_are_left_out(content: str, run: Run) -> None:
    api.evaluate(run, splits=["interpolation"], episodes=1)
    (run.path / "evaluations" / "an old one.json").write_text(content)
    assert len(split_returns(run, 16)) == 1


def test_a_result_of_the_hub_has_a_metric_for_each_number() -> None:
    row = of_episodes("interpolation", [1.0, 2.0, 4.0], 7, 5.0)
    result = row.as_result("ode", "a.onnx: c0=2")
    assert result["dataset"] == {
        "type": "ode", "name": "ode", "config": "a.onnx: c0=2", "split": "interpolation"
    }  # fmt: skip
    values = {metric["type"]: metric["value"] for metric in result["metrics"]}
    assert values == {"mean_reward": 7 / 3, "mean_reward_low": row.low, "mean_reward_high": row.high}
    assert all(type(value) is float for value in values.values())
    single = MeanReturn("train", 1, 1, 0, 3.0)
    assert [metric["type"] for metric in single.as_result("ode", "x")["metrics"]] == ["mean_reward"]


def test_schedules_of_the_family_count(tmp_path: Path) -> None:
    family = Family.load("ode").with_schedules({"c0": "jump:50"})
    path = tmp_path / "changing.yaml"
    path.write_text(dump_yaml(family.recipe.model_dump(mode="json", by_alias=True)))
    run = untrained(tmp_path / "run", "hyper-ppo", str(path), ["policy.net_arch=[4]"])
    assert schedules_of(run.spec.family) == {"c0": "jump:50"}
    api.evaluate(run, splits=["interpolation"], episodes=1, schedules={"c0": "none"})
    assert split_returns(run, 16) == []
    changed = api.evaluate(run, splits=["interpolation"], episodes=1).splits["interpolation"]
    assert [row.mean for row in split_returns(run, 16)] == [changed["mean"]]
