from collections.abc import Sequence
from pathlib import Path

import pytest

from hyperrl.errors import UserError
from hyperrl.experiments import Job, Settings, open_engine
from hyperrl.experiments.engines.processes import ProcessEngine
from hyperrl.experiments.engines.ray_cluster import RayEngine
from hyperrl.tasks.simulators.threads import CORES
from tests.experiments.engines.fakes import FakeRay
from tests.experiments.suites import jobs


def refusal(name: str, settings: Settings, planned: Sequence[Job] = ()) -> str:
    with pytest.raises(UserError) as error, open_engine(name, planned, settings):
        pass
    return str(error.value)


def test_engines_are_opened_by_name(monkeypatch: pytest.MonkeyPatch, ray: FakeRay) -> None:
    monkeypatch.setenv(CORES, "3")
    with open_engine("processes", [], Settings()) as engine:
        assert engine == ProcessEngine(3, 3)
    with open_engine("processes", [], Settings(jobs=2)) as engine:
        assert engine == ProcessEngine(3, 2)
    with open_engine("ray", [], Settings(jobs=2)) as engine:
        assert isinstance(engine, RayEngine)
        assert engine.jobs == 2


def test_what_does_not_fit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ray: FakeRay) -> None:
    assert refusal("rya", Settings()).startswith("engine: unknown engine 'rya'; did you mean 'ray'?")
    assert refusal("processes", Settings(ray_address="head:6379")) == (
        "ray_address: found 'head:6379'; allowed: with engine='ray' alone"
    )
    monkeypatch.setenv(CORES, "2")
    planned = jobs(tmp_path, {"overrides": ["threads=3"]})
    what = (
        "suite 'tiny': hyper-ppo on ode, seed 0: found 3 threads or processes; allowed: at most 2, the cores"
    )
    assert refusal("processes", Settings(), planned) == f"{what} of this machine"
    assert refusal("ray", Settings(), planned) == f"{what} of the largest machine of the Ray cluster"
