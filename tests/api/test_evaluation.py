import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.image import imread

from hyperrl import api
from hyperrl.cli import tables
from hyperrl.evaluation import progress
from hyperrl.evaluation.policy import ModelPolicy
from hyperrl.store import Run
from tests.api.conftest import hook
from tests.runs import message, untrained


def test_a_run_is_evaluated_on_three_splits(runs: Path) -> None:
    evaluation = api.evaluate(runs / "seed-0")
    assert {name: split["tasks"] for name, split in evaluation.splits.items()} == {
        "train": 4, "interpolation": 6, "extrapolation": 10,
    }  # fmt: skip
    assert evaluation.to_json()["run"] == str(runs / "seed-0")
    assert (evaluation.runs[0].steps, evaluation.runs[0].seed, evaluation.episodes) == (64, 0, 1)
    assert json.loads(evaluation.files[0].read_text()) == json.loads(json.dumps(evaluation.to_json()))
    assert evaluation.files[0].parent == runs / "seed-0" / "evaluations"
    assert [figure.parent for figure in evaluation.figures] == [runs / "seed-0" / "figures"]
    assert imread(evaluation.figures[0]).ndim == 3


def test_contexts_of_ones_own_are_flagged(runs: Path) -> None:
    evaluation = api.evaluate(runs / "seed-0", contexts=[{"c0": 1}, {"c0": 2.5}, {"c0": 100}, {}], episodes=2)
    assert [(task.context["c0"], task.split) for task in evaluation.own_tasks] == [
        (1.0, "train"), (2.5, "interpolation"), (100.0, "extrapolation"), (1.0, "train"),
    ]  # fmt: skip
    assert evaluation.splits == {}
    assert [len(task.returns) for task in evaluation.tasks] == [2] * 4
    assert evaluation.figures == ()


def test_several_runs_are_seeds(runs: Path) -> None:
    paths = [runs / "seed-0", runs / "seed-1"]
    evaluation = api.evaluate(paths)
    alone = [api.evaluate(path, save=False) for path in paths]
    means = [part.splits["interpolation"]["mean"] for part in alone]
    assert evaluation.splits["interpolation"]["mean"] == pytest.approx(np.mean(means), rel=1e-12)
    error = evaluation.splits["interpolation"]["stderr"]
    assert error is not None
    assert error >= abs(means[0] - means[1]) / 2 * (1 - 1e-9)  # over tasks and starts as well as over runs
    assert [file.parents[1] for file in evaluation.files] == paths
    assert [json.loads(file.read_text())["seed"] for file in evaluation.files] == [0, 1]
    assert [part["tasks"] for part in evaluation.to_json()["runs"]] == [
        part.to_json()["tasks"] for part in alone
    ]
    assert evaluation.figures[0].name.startswith("evaluation-splits-2-seeds-")


def test_a_tasks_return_does_not_depend_on_the_tasks_beside_it(runs: Path) -> None:
    """What a network makes of a row does not depend on the rows beside it, but for rounding."""
    contexts = [{"c0": c0} for c0 in (-8.0, 3.0)]
    together = api.evaluate(runs / "seed-0", contexts=contexts, save=False).tasks
    alone = [api.evaluate(runs / "seed-0", contexts=[context], save=False).tasks[0] for context in contexts]
    for one, other in zip(together, alone, strict=True):
        assert one.mean == pytest.approx(
            other.mean, abs=0.6
        )  # a step beside a reward's threshold may tip over


def test_progress_of_an_evaluation_is_that_of_all_its_runs(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "INTERVAL", -1.0)
    calls: list[tuple[int, int]] = []
    api.evaluate(
        [runs / "seed-0", runs / "seed-1"],
        contexts=[{"c0": 2}],
        episodes=3,
        save=False,
        progress=lambda done, total: calls.append((done, total)),
    )
    assert {total for _, total in calls} == {2 * 3 * 200}
    assert calls[-1] == (1200, 1200)
    assert (600, 1200) in calls
    assert calls == sorted(calls)


def test_evaluating_builds_no_optimizer(runs: Path) -> None:
    """Making one has torch load its compiler."""
    code = (
        "import sys, hyperrl; hyperrl.evaluate(sys.argv[1], contexts=[{}], save=False);"
        "sys.exit('torch._dynamo' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, runs / "seed-0"], timeout=120, check=True)


def test_a_feature_can_be_hidden_from_an_agent_that_was_trained_to_do_without(
    runs: Path, tmp_path: Path
) -> None:
    run = untrained(tmp_path / "run", "hyper-ppo", "ode", ["policy.hypernetwork.context_dropout=0.3"])
    hidden = api.evaluate(run, splits=["interpolation"], save=False, hidden=["c0"])
    assert hidden.to_json()["hidden"] == ["c0"]
    assert message(api.evaluate, run, hidden=["c9"]) == "hidden: unknown feature 'c9'; known: c0"
    text = message(api.evaluate, runs / "seed-0", hidden=["c0"])
    assert "policy.hypernetwork.context_dropout above 0" in text


def test_contexts_can_be_shuffled_and_a_blind_agent_does_not_care(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, blind = (
        untrained(tmp_path / kind, f"{kind}-ppo", "pendulum", ["policy.net_arch=[4]"])
        for kind in ("hyper", "blind")
    )
    splits = ["train", "interpolation"]
    own = api.evaluate(run, splits=splits, save=False)
    shuffled = api.evaluate(run, splits=splits, shuffle_contexts=True)
    data = json.loads(shuffled.files[0].read_text())
    assert (data["shuffled_contexts"], own.to_json()["shuffled_contexts"]) == (True, False)
    assert all(task["observed_context"] != task["context"] for task in data["tasks"])
    assert [task.returns for task in shuffled.tasks] != [task.returns for task in own.tasks]
    tables.evaluation(data)
    assert "start seed 0, each task under another task's context" in capsys.readouterr().out
    assert (shuffled.label, own.label) == ("hyper-ppo, contexts shuffled", "hyper-ppo")
    played = [
        api.evaluate(blind, splits=splits, save=False, shuffle_contexts=each).tasks for each in (False, True)
    ]
    assert [task.returns for task in played[0]] == [task.returns for task in played[1]]
    said = message(api.evaluate, blind, contexts=[{"g": 9}], shuffle_contexts=True)
    assert said.startswith("shuffle_contexts: found a single task, that of contexts and sweep;")


def test_contexts_can_be_wrong_and_a_blind_agent_does_not_care(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, blind = (
        untrained(tmp_path / kind, f"{kind}-ppo", "pendulum", ["policy.net_arch=[4]"])
        for kind in ("hyper", "blind")
    )
    calls: list[tuple[int, int]] = []
    options: dict[str, Any] = {"splits": ["interpolation"], "episodes": 1, "context_error": [0.2, 0.05]}
    wrong = api.evaluate(run, **options, progress=lambda done, total: calls.append((done, total)))
    assert calls == sorted(calls)
    assert calls[-1][0] == calls[-1][1] == 200 * 9 * len(wrong.tasks)  # once, and four errors of two sizes
    data = json.loads(wrong.files[0].read_text())
    assert data == json.loads(json.dumps(wrong.to_json()))
    assert [each["error"] for each in data["context_errors"]] == [0, 0.05, 0.2]
    own = api.evaluate(run, splits=["interpolation"], episodes=1, save=False)
    assert data["splits"] == json.loads(json.dumps(own.splits))
    assert data["context_errors"][0]["splits"] == data["splits"]
    means = [each["splits"]["interpolation"]["mean"] for each in data["context_errors"]]
    assert len(set(means)) == 3
    assert [figure.name.split("-")[1] for figure in wrong.figures] == ["splits", "context"]
    assert imread(wrong.figures[1]).ndim == 3
    tables.errors("context error", wrong.context_errors)
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].split()[:3] == ["context", "error", "interpolation"]
    assert [line.split()[0] for line in printed[-3:]] == ["0", "0.05", "0.2"]
    played = api.evaluate(blind, **options, save=False).context_errors
    returns = [[task["returns"] for task in each["tasks"]] for each in played]
    np.testing.assert_allclose(returns[1], returns[0], rtol=1e-2)  # other batches round otherwise
    assert message(api.evaluate, run, context_error=[2]).startswith(
        "context_error: found 2; allowed: numbers"
    )
    again = api.evaluate(run, **options, save=False).context_errors
    assert again == wrong.context_errors


def test_an_agent_of_fixed_tasks_is_evaluated_on_changing_ones(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = untrained(tmp_path / "run", "hyper-ppo", "double-integrator")
    options: dict[str, Any] = {"splits": ["train"], "episodes": 1, "schedules": {"action_sign": "jump:50"}}
    changing = api.evaluate(run, contexts=[{"mass": 1}], **options)
    data = json.loads(changing.files[0].read_text())
    assert data == json.loads(json.dumps(changing.to_json()))
    assert data["schedules"] == {"action_sign": "jump:50"}
    assert list(data["over_time"]) == ["train", "own"]
    curve = data["over_time"]["train"]
    assert (curve["episodes"], curve["recovery"]["jumps"]) == ([20] * 100, 20)
    assert len(curve["since_jump"]) == 50
    assert [figure.name.split("-")[1] for figure in changing.figures] == ["splits", "over"]
    tables.evaluation(data)
    assert "start seed 0, action_sign changes by jump:50" in capsys.readouterr().out
    assert changing.label == "hyper-ppo, action_sign jump:50"
    again = api.evaluate(run, contexts=[{"mass": 1}], **options, save=False)
    assert again.to_json() == changing.to_json()
    fixed = api.evaluate(run, splits=["train"], episodes=1, save=False).to_json()
    assert (fixed["schedules"], fixed["over_time"]) == ({}, {})
    said = message(api.evaluate, run, shuffle_contexts=True, **options)
    assert said == "shuffle_contexts: found schedules of action_sign; allowed: tasks that stay"
    assert message(api.evaluate, run, schedules={"sign": "jump"}).startswith("schedules: unknown feature 'si")
    assert message(api.evaluate, run, schedules=3).startswith("schedules: found 3; allowed: a dictionary")


@pytest.mark.parametrize(("checkpoint", "steps", "deterministic"), [(None, 16, True), ("latest", 64, False)])
def test_every_argument_reaches_what_plays(
    passed_arguments: Callable[..., dict[str, Any]],
    run: Run,
    checkpoint: str | None,
    steps: int,
    deterministic: bool,
) -> None:
    options: dict[str, Any] = {"seed": 5, "deterministic": deterministic, "checkpoint": checkpoint}
    model, sampled = passed_arguments("hyperrl.api.evaluation.ModelPolicy", api.evaluate, run, **options)[""]
    assert (model.num_timesteps, sampled) == (steps, deterministic)
    played = passed_arguments(
        "hyperrl.evaluation.play_run.evaluate_tasks", api.evaluate, run, splits=["validation"],
        contexts=[{"c0": 9}], sweep=[("c0", -10.0, 10.0, 2)], episodes=7, progress=hook, **options,
    )  # fmt: skip
    act, family, contexts = played.pop("")
    assert isinstance(act, ModelPolicy)
    assert contexts == (*family.tasks("validation"), {"c0": 9.0}, {"c0": -10.0}, {"c0": 10.0})
    assert callable(played.pop("progress"))
    splits = (*["validation"] * 8, *["extrapolation"] * 3)
    assert played == {
        "episodes": 7, "seed": 5, "splits": splits, "observed": None, "step_rewards": False,
    }  # fmt: skip


def test_the_worst_tasks_are_searched_beside_the_splits(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = [runs / "seed-0", runs / "seed-1"]
    options: dict[str, Any] = {"splits": ["train"], "worst": "regret", "worst_budget": 100, "episodes": 1}
    calls: list[tuple[int, int]] = []
    searched = api.evaluate(paths, **options, progress=lambda done, total: calls.append((done, total)))
    assert calls == sorted(calls)
    data = json.loads(json.dumps(searched.to_json(), allow_nan=False))
    assert data["splits"] == json.loads(json.dumps(api.evaluate(paths, splits=["train"], save=False).splits))
    worst = data["worst_tasks"]
    assert (worst["by"], worst["within"], worst["candidates"]) == ("regret", "declared", 2 * 75)
    assert {each["seed"] for each in worst["tasks"]} == {0, 1}
    assert all(each["regret"] == each["oracle"] - each["mean"] for each in worst["tasks"])
    assert json.loads(searched.files[1].read_text())["worst_tasks"]["candidates"] == 75
    assert imread(searched.figures[1]).ndim == 3
    found = searched.worst_tasks
    assert found is not None
    tables.worst_tasks(found)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(
        "worst tasks by regret within declared ranges, of 150 tasks tried; 1 episode each"
    )
    assert len(lines) == 2 + len(worst["tasks"])
    assert message(api.evaluate, paths[0], worst="rgret") == (
        "worst: found 'rgret'; did you mean 'regret'? allowed: 'return', 'regret', or None"
    )


def test_several_runs_are_evaluated_as_an_ensemble(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [runs / "seed-0", runs / "seed-1"]
    found = api.evaluate(paths, uncertainty=True, contexts=[{"c0": 30}], splits=["train", "extrapolation"])
    data = json.loads(json.dumps(found.to_json(), allow_nan=False))
    plain = api.evaluate(paths, contexts=[{"c0": 30}], splits=["train", "extrapolation"], save=False)
    assert data["splits"] == json.loads(json.dumps(plain.splits))
    assert plain.to_json()["uncertainty"] is None
    told = data["uncertainty"]
    assert (told["networks"], told["source"], told["gamma"]) == (2, "runs", 0.99)
    assert set(told["splits"]) == {"train", "extrapolation"}
    assert len(told["tasks"]) == 4 + 10 + 1
    assert told["own"]["actions"] > 0
    assert told["extrapolation"] is not None
    assert json.loads(found.files[1].read_text())["uncertainty"]["networks"] == 2
    assert [figure.name.split("-")[1] for figure in found.figures] == ["splits", "uncertainty"]
    summary = found.uncertainty
    assert summary is not None
    tables.uncertainty(summary)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "disagreement of 2 runs; discounted returns, gamma 0.99"
    assert [line.split()[0] for line in lines[2:5]] == ["train", "extrapolation", "own"]
    assert message(api.evaluate, paths[0], uncertainty=True).startswith("uncertainty: found one run of agent")
