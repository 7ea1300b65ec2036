import io

import pytest

from hyperrl.cli import progress


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    return clock


def test_quick_work_prints_nothing(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    lines = progress.PlainLines("training", "steps")
    for done in range(0, 1001, 10):
        clock.now += 0.05
        lines(done, 1000)
    assert capsys.readouterr() == ("", "")


def test_long_work_prints_ten_lines_with_the_time_left(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = progress.PlainLines("training", "steps")
    for done in range(0, 100_001, 100):
        lines(done, 100_000)
        clock.now += 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines()[:2] == [
        "hyperrl: training: 10,000 of 100,000 steps, 15:00 left",
        "hyperrl: training: 20,000 of 100,000 steps, 13:20 left",
    ]
    assert len(err.splitlines()) == 10


def test_resumed_work_counts_what_it_did_itself(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    lines = progress.PlainLines("training", "steps")
    lines(50_000, 100_000)
    clock.now += 60
    lines(75_000, 100_000)
    assert capsys.readouterr().err == "hyperrl: training: 75,000 of 100,000 steps, 1:00 left\n"


def test_work_without_a_unit_is_told_in_per_cent(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    lines = progress.PlainLines("evaluating")
    for done in (0, 10, 30):
        lines(done, 40)
        clock.now += 30
    told = "hyperrl: evaluating: 25%, 1:30 left\nhyperrl: evaluating: 75%, 0:20 left\n"
    assert capsys.readouterr().err == told


@pytest.mark.parametrize("terminal", [False, True])
def test_the_bar_of_a_terminal_takes_the_same_calls(terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.StringIO()
    monkeypatch.setattr(shown, "isatty", lambda: terminal)
    monkeypatch.setattr("sys.stderr", shown)
    for unit in ("steps", None):
        with progress.progress("work", unit) as advance:
            advance(1, 4)
    assert ("25%" in shown.getvalue()) == terminal == ("1/4" in shown.getvalue())


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.4, "0:00"), (59.6, "1:00"), (3599, "59:59"), (3723, "1:02:03")]
)
def test_a_duration_reads_as_a_clock(seconds: float, shown: str) -> None:
    assert progress.clock(seconds) == shown
