import json
import math
from pathlib import Path
from typing import Any

import pytest

from hyperrl.evaluation import TaskResult, iqm, stratified_bootstrap
from hyperrl.experiments import Job, SuiteReport
from hyperrl.experiments.results import FORMAT, family_runs, read_result, table, task_rows, write_result
from hyperrl.tasks import Family
from tests.experiments.suites import jobs


def result(job: Job, *means: float, **fields: Any) -> dict[str, Any]:
    tasks = [
        TaskResult({"c0": float(number)}, "train", [mean - 1, mean + 1], [5, 5], None)
        for number, mean in enumerate(means)
    ]
    return {
        "format": FORMAT, "digest": job.digest, "seed": job.seed, "steps": 64, "features": ["c0"],
        "splits": {"train": task_rows(tasks)}, **fields,
    }  # fmt: skip


def test_the_table_is_of_seeds_and_tasks(tmp_path: Path) -> None:
    planned = jobs(tmp_path, {"seeds": 3})
    hyper = [job for job in planned if job.name == "hyper-ppo"]
    scores = [[1.0, 2.0, 3.0], [4.0, 8.0, 16.0]]
    for job, means in zip(hyper, scores, strict=False):
        write_result(job, result(job, *means))
    first, second = table(planned)
    assert (first["family"], first["agent"], first["runs"], first["planned"]) == ("ode", "hyper-ppo", 2, 3)
    split = first["splits"]["train"]
    assert (split["tasks"], split["episodes"], split["iqm"]) == (3, 2, iqm(scores))
    assert split["iqm_interval"] == stratified_bootstrap(scores)
    assert (second["agent"], second["runs"], second["splits"]) == ("concat narrow", 0, {})


def test_a_result_has_a_line_for_each_field(tmp_path: Path) -> None:
    job = jobs(tmp_path)[0]
    write_result(job, result(job, 1.23456789))
    lines = job.result.read_text().splitlines()
    assert (lines[0], lines[-1], len(lines)) == ("{", "}", 8)
    found = read_result(job)
    assert found is not None
    assert found["splits"]["train"]["returns"] == [[0.2346, 2.2346]]


@pytest.mark.parametrize(
    "content", ["", "[]", "{", json.dumps({"format": FORMAT}), json.dumps({"format": FORMAT, "digest": "0"})]
)
def test_one_that_is_broken_or_of_another_recipe_is_none(content: str, tmp_path: Path) -> None:
    job = jobs(tmp_path)[0]
    assert read_result(job) is None
    job.result.parent.mkdir(parents=True)
    job.result.write_text(content)
    assert read_result(job) is None


BROKEN_RETURNS: list[Any] = [[["a"]], [[]], [[1.0], [2.0]], [[math.nan]]]
ONE_TASK = {"contexts": [[1]], "oracle": [None], "returns": [[1.0]], "lengths": [[5]]}


@pytest.mark.parametrize(
    "change",
    [
        {"seed": None},
        {"steps": "64"},
        {"features": ["c0", "c1"]},
        {"splits": []},
        {"splits": {"train": {}}},
        *({"splits": {"train": {**ONE_TASK, "returns": returns}}} for returns in BROKEN_RETURNS),
    ],
)
def test_the_run_of_a_corrupt_result_is_repeated(change: dict[str, Any], tmp_path: Path) -> None:
    job = jobs(tmp_path)[0]
    write_result(job, {**result(job), "splits": {"train": ONE_TASK}})
    assert table([job])[0]["runs"] == 1
    job.result.write_text(json.dumps({**result(job), "splits": {"train": ONE_TASK}, **change}))
    assert read_result(job) is None
    assert table([job])[0]["runs"] == 0
    assert family_runs([job]) is None


def todays(job: Job, mean: float, **fields: Any) -> dict[str, Any]:
    """A result on the family's training tasks as they are now, and on none of another split."""
    tasks = [TaskResult(task, "train", [mean], [5], None) for task in Family(job.family).tasks("train")]
    return {**result(job, mean), "splits": {"train": task_rows(tasks)}, **fields}


def test_runs_are_by_agent_and_seed(tmp_path: Path) -> None:
    planned = jobs(tmp_path, {"seeds": [4, 2]})
    for job in planned:
        if job.name == "hyper-ppo":
            write_result(job, result(job, 1.0 * job.seed, 3.0))
    runs = family_runs(planned)
    assert runs is not None
    assert (runs.name, list(runs.agents)) == ("ode", ["hyper-ppo"])
    assert runs.agents["hyper-ppo"].seeds == [2, 4]
    assert runs.agents["hyper-ppo"].scores("train").tolist() == [[2, 3], [4, 3]]
    assert not any(run.outdated for run in runs.agents["hyper-ppo"].runs)


def test_outdated_runs_stand_in_where_there_are_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hyperrl.experiments.results.SPLITS", ("train",))
    first, narrow, second, _ = jobs(tmp_path, {"seeds": 2})
    write_result(first, todays(first, 1.0, digest="of before"))
    write_result(second, todays(second, 2.0, digest="of before"))
    write_result(narrow, result(narrow, 3.0, digest="of before"))
    runs = family_runs([first, second, narrow])
    assert runs is not None
    assert list(runs.agents) == ["hyper-ppo"], "the other was on other tasks"
    assert [run.outdated for run in runs.agents["hyper-ppo"].runs] == [True, True]
    write_result(second, todays(second, 5.0))
    runs = family_runs([first, second, narrow])
    assert runs is not None
    assert [(run.seed, run.outdated) for run in runs.agents["hyper-ppo"].runs] == [(1, False)]
    assert table([first, second])[0]["runs"] == 1


def test_agents_stand_beside_specialists_that_have_a_result(tmp_path: Path) -> None:
    planned = jobs(tmp_path, {"families": ["point-goal"], "agents": ["hyper-ppo"]}, oracle="specialist")
    agent, *specialists = planned
    tasks = Family.load("point-goal").tasks("interpolation")
    rows = task_rows([TaskResult(task, "interpolation", [2.0], [5], None) for task in tasks])
    fields = {"features": ["angle"], "splits": {"interpolation": rows}}
    write_result(agent, {**result(agent), **fields})
    assert [row["of_specialist"] for row in table(planned)] == [{}]
    for job, mean in zip(specialists[:2], (3.0, 5.0), strict=True):
        assert job.task is not None
        one = task_rows([TaskResult(job.task, "train", [mean], [5], None)])
        write_result(job, {**result(job), "features": ["angle"], "splits": {"train": one}})
    (row,) = table(planned)
    beside = row["of_specialist"]["interpolation"]
    assert (beside["tasks"], beside["specialist"], beside["share"]["value"]) == (2, 4.0, 0.5)
    assert (row["agent"], row["runs"], row["planned"]) == ("hyper-ppo", 1, 1)
    report = SuiteReport("tiny", tmp_path, tmp_path, tuple(planned)).to_json()
    assert (report["runs"], report["finished"]) == (4, 3)
    assert report["specialists"] == {"runs": 3, "finished": 2}
