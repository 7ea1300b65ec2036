"""`hyperrl watch`: every option reaches the Python function that does the work."""

from pathlib import Path
from typing import Any

import pytest

from hyperrl.cli import main
from hyperrl.store import Run
from tests.cli.calls import arguments_of, assert_defaults
from tests.runs import untrained
from tests.store.conftest import run, spec

__all__ = ["run", "spec"]


def test_watch(monkeypatch: pytest.MonkeyPatch, run: Run, tmp_path: Path) -> None:
    loaded: list[Any] = []
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setattr("hyperrl.api.runs.load_agent", lambda *given: loaded.append(given))
    plain = arguments_of(monkeypatch, "watch", run.path, function="agents.play")
    given = arguments_of(
        monkeypatch, "watch", run.path, "--context", "c0=2", "--context", "c0=3",
        "--video", tmp_path / "x.gif", "--seed", 5, "--stochastic", "--checkpoint", "best",
        function="agents.play",
    )  # fmt: skip
    assert [(opened.path, family.name, name) for opened, family, name in loaded] == [
        (run.path, "ode", None), (run.path, "ode", "best"),
    ]  # fmt: skip
    names = ("contexts", "video", "seed", "deterministic")
    assert_defaults("watch", dict(zip(names, plain[""][1:], strict=True)))
    assert given[""][1:] == ([{"c0": 2.0}, {"c0": 3.0}], tmp_path / "x.gif", 5, False)


def test_watch_prints_the_checkpoint_that_played(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Which may not be the one that a training has written meanwhile."""
    watched = untrained(tmp_path / "run", "hyper-ppo", "ode")

    def play(*given: Any) -> int:
        watched.save_checkpoint("best", *watched.load_checkpoint("latest"))
        return 3

    monkeypatch.setattr("hyperrl.api.agents.play", play)
    assert main(["watch", str(watched.path), "--video", str(tmp_path / "x.gif")]) == 0
    assert watched.checkpoint_steps("best") == 64
    assert "best, of 16 steps" in capsys.readouterr().out
