from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hyperrl.store import Run
from tests.runs import untrained


class Called(Exception):
    """Raised in place of the work."""


@pytest.fixture
def handed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """Calls a function and returns what it passes to another, whose work is not done."""

    def hand(where: str, call: Callable[..., Any], *given: Any, **options: Any) -> dict[str, Any]:
        found: dict[str, Any] = {}

        def called(*received: Any, **named: Any) -> None:
            found.update({"": received, **named})
            raise Called

        with monkeypatch.context() as patch:
            patch.setattr(where, called)
            with pytest.raises(Called):
                call(*given, **options)
        return found

    return hand


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run with two checkpoints that nobody trained."""
    return untrained(tmp_path / "run", "hyper-ppo", "ode", ["policy.net_arch=[4]"], seed=3)


def hook(done: int, total: int) -> None:
    """A progress hook."""
