"""One run of a suite, in this process."""

import json
from pathlib import Path
from typing import Any

import pytest

from hyperrl import api
from hyperrl.cli import main
from hyperrl.errors import DivergenceError
from hyperrl.experiments import Job, Outcome
from hyperrl.experiments.jobs import CLAIM
from hyperrl.experiments.results import read_result
from hyperrl.experiments.work import ERROR, attempt
from hyperrl.store import Run
from hyperrl.store.lock import locked
from tests.experiments.suites import Record, broken_family, jobs


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the finished run of a job."""
    path = tmp_path_factory.mktemp("work")
    record = Record()
    assert attempt(jobs(path)[0], record) == Outcome("finished")
    assert ("steps", 64, 64) in record.events
    assert ("phase", "evaluating") in record.events
    best = read(jobs(path)[0])["checkpoint"]["validation"]
    assert [event[2] for event in record.of("validation")] == [0, 64]
    assert record.of("validation")[-1][1] == best
    return path


def read(job: Job) -> dict[str, Any]:
    result = read_result(job)
    assert result is not None
    return result


def test_the_result_has_the_numbers_of_evaluate(folder: Path) -> None:
    job = jobs(folder)[0]
    result, run = read(job), Run.open(job.folder)
    assert run.state == "finished"
    expected = api.evaluate(run, save=False).to_json()
    validation = max(row["validation"] for row in run.history("zero_shot/").values())
    assert result["checkpoint"] == {**expected["checkpoint"], "validation": validation}
    assert (result["steps"], result["seed"]) == (64, 0)
    assert (result["agent"], result["family"], result["digest"]) == ("hyper-ppo", "ode", job.digest)
    assert set(result["splits"]) == {*expected["splits"], "validation"}
    for split in expected["splits"]:
        tasks = [task for task in expected["tasks"] if task["split"] == split]
        assert result["splits"][split]["contexts"] == [list(task["context"].values()) for task in tasks]
        assert result["splits"][split]["returns"] == [pytest.approx(t["returns"], abs=1e-4) for t in tasks]
    assert set(result["curve"]) == {"0", "64"}
    assert result["seconds"]["wall"] > 0
    assert "torch" in result["versions"]
    parameters = api.load(run).model.policy.parameters()
    assert result["parameters"] == sum(each.numel() for each in parameters if each.requires_grad)


def test_a_finished_run_is_not_trained_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = jobs(folder)[0]
    for name in ("train", "resume"):
        monkeypatch.setattr(f"hyperrl.training.{name}", None)
    before, result = job.result.stat().st_mtime_ns, read(job)
    assert attempt(job, Record()) == Outcome("finished")
    assert job.result.stat().st_mtime_ns == before
    job.result.unlink()
    assert attempt(job, Record()) == Outcome("finished")
    times = ("seconds",)
    assert {**read(job), **dict.fromkeys(times)} == {**result, **dict.fromkeys(times)}


def test_the_suite_says_how_it_is_evaluated(folder: Path) -> None:
    job = jobs(folder, {"families": ["ode"]}, evaluation={"seed": 5, "episodes": 2})[0]
    other = job.model_copy(update={"result": folder / "other.json"})
    assert attempt(other, Record()) == Outcome("finished")
    result = read(other)
    assert (result["start_seed"], result["episodes"]) == (5, 2)
    assert all(len(returns) == 2 for returns in result["splits"]["train"]["returns"])


def extended(run: Run, steps: int) -> None:
    """Plan more steps, as `hyperrl train --resume RUN --steps N` does."""
    run.write_spec(run.spec.model_copy(update={"steps": steps}))


def test_a_run_that_was_extended_is_refused(folder: Path) -> None:
    job = jobs(folder)[0].model_copy(update={"result": folder / "extended.json"})
    run = Run.open(job.folder)
    extended(run, 128)
    outcome = attempt(job, Record())
    extended(run, 64)
    assert (outcome.state, outcome.mistake) == ("failed", True)
    assert "has another recipe, other steps or other code than the suite now" in outcome.message


def test_a_run_of_another_recipe_is_refused(folder: Path) -> None:
    job = jobs(folder, {"overrides": ["algorithm.gamma=0.9"]})[0]
    other = job.model_copy(update={"result": folder / "refused.json"})
    outcome = attempt(other, Record())
    assert (outcome.state, outcome.mistake) == ("failed", True)
    assert "has another recipe, other steps or other code than the suite now" in outcome.message
    assert "UserError" in (job.folder / ERROR).read_text()
    assert attempt(jobs(folder)[0], Record()) == Outcome("finished")
    assert not (job.folder / ERROR).exists()


def test_a_run_that_another_process_works_on_is_left_alone(folder: Path) -> None:
    job = jobs(folder)[1]
    job.folder.mkdir(parents=True)
    with locked(job.folder, CLAIM):
        assert attempt(job, Record()) == Outcome("busy")
    assert not job.result.exists()


def test_an_environment_that_fails_is_named(tmp_path: Path) -> None:
    family = broken_family(tmp_path)
    (job,) = jobs(tmp_path, {"agents": ["blind-ppo"], "families": [family]})
    outcome = attempt(job, Record())
    assert (outcome.state, outcome.mistake) == ("failed", False)
    assert "no oil" in outcome.message
    assert "\n" not in outcome.message
    trace = (job.folder / ERROR).read_text()
    assert 'raise RuntimeError("no oil")' in trace
    assert "BaseEnvironmentError" in trace


def test_what_the_library_raises_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr("hyperrl.training.train", fail)
    job = jobs(tmp_path)[0]
    assert attempt(job, Record()) == Outcome("failed", "ZeroDivisionError: division by zero")
    assert "ZeroDivisionError" in (job.folder / ERROR).read_text()


def test_what_has_a_line_of_its_own_is_not_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise DivergenceError("a loss is not finite at step 64")

    monkeypatch.setattr("hyperrl.training.train", fail)
    job = jobs(tmp_path)[0]
    assert attempt(job, Record()) == Outcome("failed", "a loss is not finite at step 64")


def test_an_interruption_is_no_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("hyperrl.training.train", stop)
    assert attempt(jobs(tmp_path)[0], Record()) == Outcome("interrupted")


def test_seconds_of_earlier_processes_count(folder: Path) -> None:
    job = jobs(folder)[0]
    seconds = json.loads((job.folder / "seconds.json").read_text())
    assert seconds["wall"] >= 0
    assert seconds["cpu"] > 0


def test_a_specialist_is_a_run_like_any_other(tmp_path: Path, no_figures: None) -> None:
    oracle = {"tasks": 1}
    agent, job, *_ = jobs(
        tmp_path, {"agents": ["hyper-ppo"], "families": ["double-integrator"]}, oracle=oracle
    )
    assert attempt(job, Record()) == attempt(agent, Record()) == Outcome("finished")
    result, run = read(job), Run.open(job.folder)
    assert (result["specialist_of"], result["agent"]) == ("interpolation", "specialist")
    assert job.task is not None
    assert result["splits"]["train"]["contexts"] == [list(job.task.values())]
    assert {"best", "latest"} <= set(run.checkpoints())
    same = [task for task in api.evaluate(agent.folder, save=False).tasks if task.context == job.task]
    assert api.evaluate(run, save=False).tasks[0].context == same[0].context
    comparison = api.compare([agent.folder, job.folder])
    shares = {split.split: split.scores[0].of_specialist for split in comparison.splits}
    assert {split: beside.tasks for split, beside in shares.items() if beside} == {"interpolation": 1}
    assert main(["list", "runs", str(tmp_path)]) == 0
