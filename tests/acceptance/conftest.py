import shutil
from pathlib import Path

import pytest

from tests.acceptance.driving import hyperrl

FEW = ["--steps", "2000", "--set", "algorithm.n_steps=125", "--set", "algorithm.batch_size=250"]


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A folder in which a process trained hyper-ppo on ode for 2,000 steps, and what it printed."""
    folder = tmp_path_factory.mktemp("trained")
    done = hyperrl("train", "hyper-ppo", "ode", *FEW, cwd=folder)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return folder, done.stdout


@pytest.fixture
def folder(trained: tuple[Path, str], tmp_path: Path) -> Path:
    """A copy of that folder, with the run in `runs/ode/hyper-ppo/seed-0`."""
    return Path(shutil.copytree(trained[0], tmp_path / "work"))
