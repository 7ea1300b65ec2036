import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hyperrl.evaluation import Evaluation, RunResult, TaskResult, iqm, summarize


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


def test_a_run_is_summed_up_by_hand() -> None:
    splits = summarize(run(0).split_tasks)
    assert list(splits) == ["interpolation", "extrapolation"]
    # task means 5 and 9: mean 7, deviations 2 and 2, sample variance 8, standard error sqrt(8 / 2)
    # and Student's t of one degree of freedom is 12.706; within tasks variances 2 and 2: sqrt(4 / 2) / 2
    reach = 2 * 12.706204736432095
    assert splits["interpolation"] == {
        "tasks": 2, "episodes": 2, "mean": 7.0, "stderr": 2.0, "low": pytest.approx(7 - reach),
        "high": pytest.approx(7 + reach), "stderr_starts": pytest.approx(2**0.5 / 2), "iqm": 7.0,
        "oracle": 10.0, "worst": {"context": {"c0": 2.0}, "mean": 5.0, "oracle": 10.0, "of_oracle": 0.5},
    }  # fmt: skip
    assert (splits["extrapolation"]["stderr"], splits["extrapolation"]["oracle"]) == (0.0, None)
    alone = summarize([task(6.0, "extrapolation", [1.0])])["extrapolation"]
    assert [alone[key] for key in ("stderr", "low", "high", "stderr_starts")] == [None] * 4


def test_several_runs_are_summed_up_over_runs() -> None:
    runs = [run(0), run(1, shift=1.0), run(2, shift=5.0)]
    split = summarize(*(each.split_tasks for each in runs))["interpolation"]
    # the runs' means are 7, 8 and 12: mean 9, squares 4 + 1 + 9 = 14, variance 7; the tasks' 7 and 11,
    # variance 8; nothing is left over: sqrt(7 / 3 + 8 / 2)
    assert split["mean"] == 9.0
    assert split["stderr"] == pytest.approx((7 / 3 + 4) ** 0.5, rel=1e-14)
    assert split["iqm"] == iqm([5, 9, 6, 10, 10, 14])
    low, high = split["iqm_interval"]
    assert 7.0 <= low < split["iqm"] < high <= 12.0


def test_the_worst_task_is_named_whatever_the_mean_says() -> None:
    """A controller that fails on one of ten tasks: the interquartile mean does not see it."""
    good = [task(float(c0), "train", [100.0], oracle=100.0) for c0 in range(1, 10)]
    small = task(0.5, "train", [8.0], oracle=8.0)  # little can be earned there, and all of it is
    bad = task(10.0, "train", [43.0], oracle=100.0)
    result = summarize([small, *good, bad])["train"]
    assert result["iqm"] == 100.0
    assert result["worst"] == {"context": {"c0": 10.0}, "mean": 43.0, "oracle": 100.0, "of_oracle": 0.43}
    unknown = [task(c0, "train", [mean], oracle=None) for c0, mean in ((1.0, 5.0), (2.0, -3.0))]
    assert summarize(unknown)["train"]["worst"]["context"] == {"c0": 2.0}
    fine = replace(bad, returns=[99.0])
    several = [replace(run(seed), split_tasks=[small, *good, last]) for seed, last in ((4, fine), (7, bad))]
    result = evaluation(*several).splits["train"]
    assert (result["worst"]["mean"], result["worst"]["seed"]) == (43.0, 7)


def test_runs_on_other_tasks_are_no_seeds() -> None:
    with pytest.raises(ValueError, match="same tasks"):
        summarize(run(0).split_tasks, run(1).split_tasks[1:])


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
