import json
from pathlib import Path
from typing import Any

import numpy as np

from hyperrl.evaluation import Evaluation, RunResult, TaskResult


def task(c0: float, split: str, returns: list[float], oracle: float | None = 10.0) -> TaskResult:
    return TaskResult({"c0": c0}, split, returns, [200] * len(returns), oracle)


def run(seed: int, shift: float = 0.0, steps: int = 1000) -> RunResult:
    values = {2.0: 4.0, 3.0: 8.0}
    result = [task(c0, "interpolation", [value + shift, value + shift + 2]) for c0, value in values.items()]
    outside = [task(6.0, "extrapolation", [1.0 + shift, 1.0 + shift], oracle=None)]
    own = [task(0.5, "interpolation", [100.0, 100.0])]
    return RunResult(f"runs/ode/a/seed-{seed}", seed, steps, "best", 800, result + outside, own)


def evaluation(*runs: RunResult) -> Evaluation:
    return Evaluation("a", "ode", 2, 0, True, runs)


def test_json_of_one_run_is_the_documented_object() -> None:
    result = json.loads(json.dumps(evaluation(run(3)).to_json(), allow_nan=False))
    assert {key: result[key] for key in ("run", "agent", "family", "seed", "steps", "episodes")} == {
        "run": "runs/ode/a/seed-3", "agent": "a", "family": "ode", "seed": 3, "steps": 1000, "episodes": 2,
    }  # fmt: skip
    split = result["splits"]["interpolation"]
    assert [split[key] for key in ("tasks", "mean", "stderr", "iqm", "oracle")] == [2, 7.0, 2.0, 7.0, 10.0]
    assert result["tasks"][0] == {
        "context": {"c0": 2.0}, "split": "interpolation", "returns": [4.0, 6.0], "lengths": [200, 200],
        "mean": 5.0, "oracle": 10.0,
    }  # fmt: skip
    assert result["checkpoint"] == {"name": "best", "steps": 800}
    assert "runs" not in result


def test_contexts_of_the_users_own_count_in_no_split() -> None:
    result = evaluation(run(0))
    assert [t.context["c0"] for t in result.tasks] == [2.0, 3.0, 6.0, 0.5]
    assert [t.context["c0"] for t in result.own_tasks] == [0.5]
    assert result.splits["interpolation"]["tasks"] == 2


def test_json_of_several_runs_pools_episodes_and_keeps_each_run() -> None:
    result: dict[str, Any] = json.loads(
        json.dumps(evaluation(run(0), run(1, 1.0)).to_json(), allow_nan=False)
    )
    assert (result["run"], result["seed"], result["steps"]) == (None, None, 1000)
    assert result["tasks"][0]["returns"] == [4.0, 6.0, 5.0, 7.0]
    assert result["tasks"][0]["lengths"] == [200] * 4
    assert result["tasks"][0]["mean"] == 5.5
    assert [part["seed"] for part in result["runs"]] == [0, 1]
    assert result["runs"][0] == evaluation(run(0)).to_json()
    low, high = result["splits"]["interpolation"]["iqm_interval"]
    assert low <= result["splits"]["interpolation"]["iqm"] <= high


def test_steps_are_null_where_runs_differ() -> None:
    assert evaluation(run(0), run(1, steps=2000)).to_json()["steps"] is None


def test_files_are_beside_the_results() -> None:
    result = Evaluation("a", "ode", 2, 0, True, (run(0),), (Path("x.json"),), (Path("x.png"),))
    assert result.files == (Path("x.json"),)
    assert result.figures == (Path("x.png"),)
    assert np.isfinite(result.splits["interpolation"]["mean"])
