from pathlib import Path

import pytest

from hyperrl.recipes import load_agent, load_family, resolve
from hyperrl.store import Run, RunSpec


@pytest.fixture
def spec() -> RunSpec:
    family = load_family("ode")
    overrides = ("algorithm.learning_rate=1e-05",)
    agent = resolve(load_agent("hyper-ppo"), family, overrides)
    return RunSpec.now(agent, family, seed=3, steps=4096, overrides=overrides)


@pytest.fixture
def run(tmp_path: Path, spec: RunSpec) -> Run:
    return created(tmp_path / "runs" / "ode" / "hyper-ppo" / "seed-3", spec)


def created(path: Path, spec: RunSpec) -> Run:
    """A run that nobody trains."""
    with Run.create(path, spec) as run:
        return run
