"""`hyperrl report`: options reach the Python function; the file is named."""

from pathlib import Path

import pytest

from benchmarks.synthetic_runs import synthetic_run
from hyperrl.cli import main
from hyperrl.tasks import Family
from tests.cli.calls import arguments_of


def test_options(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = arguments_of(monkeypatch, "report", "one", "two")
    assert plain == {"": (["one", "two"], "report.html"), "animate": False, "allow_import": ()}
    given = arguments_of(
        monkeypatch, "report", "one", "--out", "x.html", "--animate", "--allow-import", "mine"
    )
    assert given == {"": (["one"], "x.html"), "animate": True, "allow_import": ["mine"]}


def test_the_file_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    synthetic_run(tmp_path / "run", "concat-ppo", Family.load("ode"), 0, tasks=2)
    assert main(["report", str(tmp_path), "--out", str(tmp_path / "page.html")]) == 0
    assert f"{tmp_path / 'page.html'} (0." in capsys.readouterr().out
    assert (tmp_path / "page.html").read_text().startswith("<!doctype html>")
    assert main(["report", str(tmp_path), "--out", str(tmp_path)]) == 2
    assert "cannot be written" in capsys.readouterr().err
