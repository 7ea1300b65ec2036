"""Runs as tasks of Ray: its fake in this process, and a real cluster of this machine."""

import sys
from pathlib import Path
from typing import Any

import pytest

from hyperrl.errors import EngineError
from hyperrl.experiments import Job, Outcome, Settings, open_engine, run_suite
from hyperrl.experiments.engines import ray_cluster
from hyperrl.experiments.engines.depot import Depot, Site
from hyperrl.experiments.engines.ray_cluster import RETRIES, RayEngine, caller
from hyperrl.experiments.engines.remote import Call
from hyperrl.experiments.work import ERROR
from tests.experiments.engines.fakes import FakeRay, WorkerCrashedError
from tests.experiments.suites import Record, jobs
from tests.experiments.test_bench import finish


@pytest.fixture
def outcomes(monkeypatch: pytest.MonkeyPatch) -> dict[int, Any]:
    """How the runs end, by seed; `finished`, with a result, where nothing is said."""
    found: dict[int, Any] = {}

    def make_run(job: Job, number: int, site: Site, call: Call) -> Outcome:
        assert job.folder.is_absolute()
        assert job.result.is_absolute()
        assert site.is_here
        call("begin", number)
        call("report", number, [["steps", job.seed, 64]])
        outcome: Outcome | Exception = found.get(job.seed, Outcome("finished"))
        if isinstance(outcome, Exception):
            raise outcome
        if outcome.state == "finished":
            finish(job)
        return outcome

    monkeypatch.setattr(ray_cluster, "make_run", make_run)
    return found


@pytest.fixture
def planned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Job]:
    monkeypatch.chdir(tmp_path)
    return jobs(Path(), {"agents": ["blind-ppo"], "seeds": 4})


def settings(**fields: Any) -> Settings:
    return Settings(folders=(Path("out"), Path("results")), **fields)


def test_runs_are_tasks_with_their_cores(
    ray: FakeRay, outcomes: dict[int, Any], planned: list[Job], tmp_path: Path
) -> None:
    record = Record()
    planned[1] = planned[1].model_copy(update={"agent": planned[1].agent.model_copy(update={"threads": 2})})
    with open_engine("ray", planned, settings()) as engine:
        assert run_suite(planned, engine, record) == []
        assert len(list(tmp_path.glob("*/.visible-*"))) == 2
    assert not list(tmp_path.glob("*/.visible-*"))
    depot, *tasks = ray.options
    assert (depot["num_cpus"], depot["scheduling_strategy"]) == (0, ("this machine", False))
    assert [task["num_cpus"] for task in tasks] == [1, 2, 1, 1]
    assert {task["max_retries"] for task in tasks} == {RETRIES}
    assert record.of("steps") == [("steps", seed, 64) for seed in range(4)]
    assert record.of("started", "ended")[:2] == [
        ("started", "blind-ppo on ode, seed 0"), ("ended", "blind-ppo on ode, seed 0", "finished")
    ]  # fmt: skip


@pytest.mark.parametrize(("at_a_time", "most"), [(None, 3), (1, 1), (4, 4)])
def test_ray_has_as_many_runs_as_the_cluster_has_cores_or_as_many_as_are_allowed(
    at_a_time: int | None, most: int, ray: FakeRay, outcomes: dict[int, Any], planned: list[Job]
) -> None:
    with open_engine("ray", planned, settings(jobs=at_a_time)) as engine:
        run_suite(planned, engine, Record())
    assert max(ray.waits) == most


def test_failures_are_recorded_and_end_no_other_run(
    ray: FakeRay, outcomes: dict[int, Any], planned: list[Job]
) -> None:
    outcomes |= {
        0: Outcome("failed", "wrong", mistake=True),
        1: WorkerCrashedError("The worker died.\nOut of memory."),
        2: ValueError("no oil"),
    }
    with open_engine("ray", planned, settings()) as engine:
        failures = run_suite(planned, engine, Record())
    assert [(failure.message, failure.mistake) for failure in failures] == [
        ("wrong", True),
        ("its worker was lost 11 times: Out of memory.", False),
        ("its Ray task failed: ValueError: no oil", False),
    ]
    assert "The worker died." in (planned[1].folder / ERROR).read_text()
    assert planned[3].result.exists()


def test_an_interrupted_suite_cancels_what_waits_and_stops_the_rest(
    ray: FakeRay, outcomes: dict[int, Any], planned: list[Job]
) -> None:
    record = Record()
    with open_engine("ray", planned, settings()) as engine:
        running = engine.run(iter(planned), record)
        assert next(running)[0] == planned[0]
        running.close()
        assert isinstance(engine, RayEngine)
        assert not engine._tasks
    assert record.of("stopping") == [("stopping", 2)]
    assert len(ray.cancelled) == 2
    assert not planned[1].result.exists()


def test_a_node_that_does_not_see_the_suites_folders_is_refused(
    ray: FakeRay, planned: list[Job], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Depot, "sees", lambda _, site: False)
    says = f"^the Ray node of this machine does not see '{tmp_path}/out'; "
    with open_engine("ray", planned, settings()) as engine, pytest.raises(EngineError, match=says):
        run_suite(planned, engine, Record())


def test_a_lost_cluster_is_named(ray: FakeRay, outcomes: dict[int, Any], planned: list[Job]) -> None:
    with open_engine("ray", planned, settings()) as engine:
        assert isinstance(engine, RayEngine)
        engine._start()
        engine._depot = ray.remote(Broken).remote()
        with pytest.raises(EngineError, match=r"^the Ray cluster is lost \(The actor died\.\)$"):
            run_suite(planned, engine, Record())


class Broken:
    """An actor whose machine is gone."""

    def __getattr__(self, name: str) -> Any:
        def raising(*_: Any) -> None:
            raise WorkerCrashedError("The actor died.")

        return raising


def test_errors_of_files_come_through(ray: FakeRay) -> None:
    class Full:
        def write(self) -> None:
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        caller(__import__("ray"), ray.remote(Full).remote())("write")


def test_workers_get_the_folders_of_modules_but_those_of_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", ["", "lib", f"{sys.prefix}/lib/site-packages", "/opt/mine"])
    path = ray_cluster._environment()["env_vars"]["PYTHONPATH"]
    assert path == f"{tmp_path}:{tmp_path}/lib:/opt/mine"
