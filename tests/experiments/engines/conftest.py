import os
from collections.abc import Iterator
from unittest import mock

import pytest

from tests.experiments.engines.fakes import FakeRay


@pytest.fixture
def ray(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeRay]:
    """Ray, as a fake; what is set of its environment is put back."""
    fake = FakeRay()
    fake.install(monkeypatch)
    names = [name for name in os.environ if name.startswith("RAY_")]
    with mock.patch.dict(os.environ):
        for name in names:
            del os.environ[name]
        yield fake
