"""Trackers whose packages are fakes, and what the run's own table has."""

import os
from collections.abc import Iterator
from unittest import mock

import pytest

from tests.training.trackers.fakes import FakeMlflow, FakeWandb


@pytest.fixture(autouse=True)
def environment() -> Iterator[None]:
    """Settings of trackers are the machine's in no test, and are put back."""
    names = [name for name in os.environ if name.startswith(("WANDB_", "MLFLOW_"))]
    with mock.patch.dict(os.environ):
        for name in names:
            del os.environ[name]
        yield


@pytest.fixture
def wandb(monkeypatch: pytest.MonkeyPatch) -> FakeWandb:
    fake = FakeWandb()
    fake.install(monkeypatch)
    return fake


@pytest.fixture
def mlflow(monkeypatch: pytest.MonkeyPatch) -> FakeMlflow:
    fake = FakeMlflow()
    fake.install(monkeypatch)
    return fake
