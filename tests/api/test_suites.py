from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import hyperrl
from hyperrl.api import suites
from hyperrl.experiments import Job, Monitor, Outcome
from hyperrl.experiments.bench import Failure
from tests.experiments.suites import Record, suite
from tests.runs import message


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Job]:
    """Runs that would be made; the first one fails."""
    found: list[Job] = []

    def run(jobs: Sequence[Job], engine: Any, monitor: Monitor) -> list[Failure]:
        monitor.planned(len(jobs), 0)
        for job in jobs:
            monitor.started(job)(1, 2)
            monitor.ended(job, Outcome("failed" if job is jobs[0] else "finished"))
        found.extend(jobs)
        return [Failure(jobs[0], "no oil", True)]

    monkeypatch.setattr(suites, "run_suite", run)
    return found


def test_bench(made: list[Job], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    calls: list[tuple[int, int]] = []
    report = hyperrl.bench(suite(tmp_path), progress=lambda done, total: calls.append((done, total)))
    assert calls == [(0, 2), (1, 2), (2, 2)]
    assert (report.out, report.results) == (Path("runs/bench/tiny"), Path("runs/bench/tiny/results"))
    assert list(report.jobs) == made
    assert made[0].folder == Path("runs/bench/tiny/ode/hyper-ppo/seed-0")
    assert [failure.message for failure in report.failures] == ["no oil"]


def test_a_shard_makes_its_part_and_reports_the_whole(made: list[Job], tmp_path: Path) -> None:
    record = Record()
    recipe = suite(tmp_path, {"seeds": 5})
    reports = [
        hyperrl.bench(recipe, shard=(index, 3), out=tmp_path / "o", results=tmp_path / "r", progress=record)
        for index in (1, 2, 3)
    ]
    assert {len(report.jobs) for report in reports} == {10}
    assert sorted(job.label for job in made) == sorted(job.label for job in reports[0].jobs)
    assert [event[1] for event in record.of("planned")] == [4, 3, 3]
    assert made[0].result.is_relative_to(tmp_path / "r")


@pytest.mark.parametrize("name", ["out", "results"])
def test_a_folder_that_cannot_be_written_is_found_before_anything_runs(
    name: str, made: list[Job], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    folders = {"out": tmp_path / "o", "results": tmp_path / "r", name: tmp_path / "file" / "in"}
    line = message(hyperrl.bench, suite(tmp_path), **folders)
    assert line.startswith(f"{'runs' if name == 'out' else name} '{tmp_path}/file/in': cannot be written (")
    assert not made


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"suite": "smok"}, "unknown suite 'smok'; did you mean 'smoke'?"),
        ({"suite": 3}, "suite: found 3; allowed: a name, the path of a YAML file, or a recipe"),
        ({"jobs": 0}, "jobs: found 0; allowed: a whole number from 1 to 10,000"),
        ({"shard": (0, 3)}, "shard: found (0, 3); allowed: two whole numbers (i, n) with i from 1 to n"),
        ({"shard": "1/3"}, "shard: found '1/3'; allowed: two whole numbers"),
        ({"results": 3}, "results: found 3; allowed: a path, or None"),
        ({"out": ""}, "out: found ''; allowed: a path without"),
        ({"engine": "rya"}, "engine: found 'rya'; did you mean 'ray'? allowed: 'processes', 'ray'"),
        ({"ray_address": 3}, "ray_address: found 3; allowed: an address, such as '10.0.0.1:6379'"),
        ({"progress": 3}, "progress: found 3; allowed: a function"),
        ({"job": 3}, "bench: unknown argument 'job'; did you mean 'jobs'?"),
    ],
)
def test_mistakes(arguments: dict[str, Any], says: str, tmp_path: Path) -> None:
    assert message(hyperrl.bench, **{"suite": suite(tmp_path), **arguments}).startswith(says)
