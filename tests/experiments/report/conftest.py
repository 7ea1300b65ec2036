"""A short training, whose agent can be loaded."""

from pathlib import Path

import pytest

from hyperrl import api
from tests.runs import SMALL


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("trained") / "run"
    api.train("hyper-ppo", "ode", steps=64, overrides=SMALL, out=path)
    return path
