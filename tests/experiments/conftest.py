"""Runs of two agents on one family, three seeds each; `concat-ppo` is better by 10."""

from pathlib import Path

import pytest

from benchmarks.synthetic_runs import synthetic_run
from hyperrl.tasks import Family

HYPER, CONCAT = "hyper-ppo", "concat-ppo"


@pytest.fixture(scope="session")
def ode() -> Family:
    return Family.load("ode")


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory, ode: Family) -> Path:
    path = tmp_path_factory.mktemp("synthetic")
    for seed in range(3):
        synthetic_run(path / "hyper" / f"seed-{seed}", HYPER, ode, seed, 100.0)
        synthetic_run(path / "concat" / f"seed-{seed}", CONCAT, ode, seed, 110.0)
    return path
