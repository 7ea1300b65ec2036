"""Set-up for every test: one thread, shapes checked at run time, hypothesis without deadlines."""

import os
import random
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp
from unittest import mock

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ["XDG_STATE_HOME"] = mkdtemp(prefix="hyperrl-state-")

import pytest
import torch
from hypothesis import settings
from jaxtyping import install_import_hook

torch.set_num_threads(1)

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell starts what runs in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Beartype checks an entry of a sequence that it draws; of its own, as Python's generator is a run's state.
assert "beartype" not in sys.modules
with mock.patch.object(random, "getrandbits", random.Random(0).getrandbits):
    import beartype  # noqa: F401

# The hook rewrites modules as they are imported, so `hyperrl.nets` must not be loaded yet.
assert "hyperrl.nets" not in sys.modules
install_import_hook("hyperrl.nets", "beartype.beartype")

settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")


@pytest.fixture(autouse=True)
def seeded() -> None:
    """Every test draws the same numbers, in whatever order and process it runs."""
    torch.manual_seed(0)


@pytest.fixture(autouse=True, scope="session")
def state() -> Iterator[None]:
    """What a training notes about this machine (`hyperrl.store.trust`) goes with the tests."""
    yield
    shutil.rmtree(os.environ["XDG_STATE_HOME"])


@pytest.fixture(autouse=True, scope="session")
def logs(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Stable-Baselines3 makes a folder in the system's temporary one for each model that learns."""
    os.environ["SB3_LOGDIR"] = str(tmp_path_factory.mktemp("sb3"))


@pytest.fixture
def no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing takes longer than a short training."""
    monkeypatch.setattr("hyperrl.training.telemetry.figure.ReturnFigure._on_evaluation", lambda *_: None)


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of runs on `ode`: `seed-0`, a trained `hyper-ppo`; `seed-1` and `concat`, untrained."""
    from hyperrl import api
    from tests.runs import SMALL, untrained

    path = tmp_path_factory.mktemp("runs")
    api.train("hyper-ppo", "ode", steps=64, overrides=SMALL, out=path / "seed-0")
    untrained(path / "seed-1", "hyper-ppo", "ode", SMALL, seed=1)
    untrained(path / "concat", "concat-ppo", "ode", SMALL)
    return path
