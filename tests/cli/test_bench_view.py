import io
from pathlib import Path

import pytest

from hyperrl.cli import bench_view, progress
from hyperrl.cli.bench_view import LiveView, PlainView, suite_view
from hyperrl.cli.console import console
from hyperrl.experiments import Job, Monitor, Outcome
from tests.experiments.suites import jobs


class Clock:
    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    for module in (progress, bench_view):
        monkeypatch.setattr(module, "time", clock)
    return clock


@pytest.fixture
def planned(tmp_path: Path) -> list[Job]:
    return jobs(tmp_path, {"seeds": 2})


def test_a_line_now_and_then(clock: Clock, planned: list[Job], capsys: pytest.CaptureFixture[str]) -> None:
    view = PlainView("tiny")
    assert isinstance(view, Monitor)
    view.planned(5, 1)
    reporters = [view.started(job) for job in planned]
    for done in range(0, 880, 10):
        clock.now += 0.125
        reporters[0](done, 1000)
    view.ended(planned[0], Outcome("finished"))
    view.ended(planned[1], Outcome("failed", "no\noil"))
    clock.now += 5
    view.waiting(2)
    out, err = capsys.readouterr()
    assert (out, err.splitlines()) == (
        "",
        [
            "hyperrl: tiny: 1 of 5 runs done, 4 running, 0:05 gone",
            "hyperrl: tiny: 1 of 5 runs done, 4 running, 0:10 gone",
            "hyperrl: tiny: concat narrow on ode, seed 0 failed: no oil",
            "hyperrl: tiny: 2 of 5 runs done, 2 running, 1 failed, waiting for 2 of other processes,"
            " 0:16 gone",
        ],
    )


def test_quick_work_prints_nothing(
    clock: Clock, planned: list[Job], capsys: pytest.CaptureFixture[str]
) -> None:
    with suite_view("tiny") as view:
        view.planned(1, 0)
        view.started(planned[0])(64, 64)
        view.ended(planned[0], Outcome("finished"))
    assert capsys.readouterr() == ("", "")


def test_stopping_is_said(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    PlainView("tiny").stopping(1)
    assert capsys.readouterr().err == (
        "hyperrl: tiny: stopping 1 run at the next checkpoint (once more: at once)\n"
    )


def test_the_live_view_has_a_row_for_each_running_run(clock: Clock, planned: list[Job]) -> None:
    view = LiveView("tiny")
    view.planned(4, 0)
    first, second = (view.started(job) for job in planned[:2])
    for done in (0, 250, 500):
        first.phase("training")
        first.reached(-3.14159)
        first(done, 1000)
        clock.now += 5
    second.phase("evaluating", 0.5)
    shown = console()
    with shown.capture() as captured:
        shown.print(view.rendered())
    lines = [line.strip() for line in captured.get().splitlines()]
    assert lines[0] == "tiny: 0 of 4 runs done, 2 running, 0:15 gone"
    assert lines[1].split("  ")[0] == "hyper-ppo on ode, seed 0"
    assert "training  500 of 1,000 steps  return -3.142" in lines[1]
    assert lines[1].endswith("0:15 left")
    assert "concat narrow on ode, seed 0" in lines[2]
    assert "evaluating (50%)" in lines[2]
    view.ended(planned[0], Outcome("finished"))
    assert list(view.meters) == [planned[1].label]


def test_a_terminal_gets_the_live_view(monkeypatch: pytest.MonkeyPatch, planned: list[Job]) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with suite_view("tiny") as view:
        view.planned(1, 0)
        view.started(planned[0])
    assert isinstance(view, LiveView)
    assert "tiny: 0 of 1 runs done, 1 running" in terminal.getvalue()
