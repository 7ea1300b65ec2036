import shutil
from pathlib import Path

import pytest

from tests.acceptance.driving import succeeded

FEW = ["--steps", "2000", "--set", "algorithm.n_steps=125", "--set", "algorithm.batch_size=250"]


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A folder in which hyper-ppo was trained on ode for 2,000 steps, and what the command printed."""
    folder = tmp_path_factory.mktemp("trained")
    return folder, succeeded("train", "hyper-ppo", "ode", *FEW, cwd=folder, torch=True)


@pytest.fixture
def folder(trained: tuple[Path, str], tmp_path: Path) -> Path:
    """A copy of that folder, with the run in `runs/ode/hyper-ppo/seed-0`."""
    return Path(shutil.copytree(trained[0], tmp_path / "work"))
