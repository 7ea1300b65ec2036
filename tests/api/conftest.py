from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hyperrl.store import Run
from tests.runs import untrained


class Called(Exception):
    """Raised in place of the work."""


@pytest.fixture
def passed_arguments(monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """Calls a function and returns what it passes to another, whose work is not done."""

    def call_with(where: str, call: Callable[..., Any], *args: Any, **options: Any) -> dict[str, Any]:
        arguments: dict[str, Any] = {}

        def called(*positional: Any, **named: Any) -> None:
            arguments.update({"": positional, **named})
            raise Called

        with monkeypatch.context() as patch:
            patch.setattr(where, called)
            with pytest.raises(Called):
                call(*args, **options)
        return arguments

    return call_with


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run with two checkpoints that nobody trained."""
    return untrained(tmp_path / "run", "hyper-ppo", "ode", ["policy.net_arch=[4]"], seed=3)


def hook(done: int, total: int) -> None:
    """A progress hook."""
