import io

import pytest

from hyperrl.cli import progress
from hyperrl.evaluation.progress import Reporter


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
    lines = progress.PlainLines("hyper-ppo on ode", "steps", "preparing")
    for done in range(0, 1001, 10):
        clock.now += 0.04
        lines(done, 1000)
    assert capsys.readouterr() == ("", "")


def test_work_prints_a_line_every_few_seconds(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    lines = progress.PlainLines("hyper-ppo on ode", "steps", "preparing")
    clock.now += 5
    lines.phase("evaluating", 0.25)
    for done in range(0, 2201, 10):
        lines.phase("training")
        lines.reached(-1193.456)
        lines(done, 10_000)
        clock.now += 0.1
    out, err = capsys.readouterr()
    told = err.splitlines()
    assert (out, len(told)) == ("", 5)
    assert told[:2] == [
        "hyperrl: hyper-ppo on ode: evaluating (25%)",
        "hyperrl: hyper-ppo on ode: training, 500 of 10,000 steps, return -1193, 1:37 left",
    ]


def test_days_of_work_print_a_line_a_minute(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    lines = progress.PlainLines("training", "steps")
    for done in range(100_000):
        lines(done, 100_000)
        clock.now += 1
    assert 1600 < len(capsys.readouterr().err.splitlines()) < 1800


def test_the_time_left_follows_from_the_latest_speed(clock: Clock) -> None:
    """An off-policy algorithm collects fast, and learns slowly."""
    shown = progress.Meter("steps")
    assert isinstance(shown, Reporter)
    for done in range(0, 1000, 100):
        shown.phase("collecting")
        shown(done, 2000)
        clock.now += 1
    assert shown.left is None
    for done in range(1000, 1101):
        shown.phase("training")
        shown(done, 2000)
        clock.now += 1
    assert shown.left == pytest.approx(900, rel=0.02)
    for done in range(1101, 1501):
        shown(done, 2000)
        clock.now += 0.5
    assert shown.left == pytest.approx(250, rel=0.02)


def test_an_update_that_takes_long_counts(clock: Clock) -> None:
    shown = progress.Meter("steps")
    for rollout in range(10):
        for done in range(100):
            shown(100 * rollout + done, 2000)
            clock.now += 0.1
        clock.now += 290
    shown(1000, 2000)
    assert shown.left == pytest.approx(3000, rel=0.2)


def test_no_time_is_left_before_anything_is_done(clock: Clock) -> None:
    shown = progress.Meter("steps", "preparing")
    clock.now += 60
    assert shown.left is None
    assert shown.words == ["preparing"]
    shown(50_000, 100_000)
    clock.now += 60
    assert shown.left is None
    shown(75_000, 100_000)
    assert shown.left == pytest.approx(60)
    assert shown.words[1:] == ["75,000 of 100,000 steps"]


def test_a_stop_that_takes_long_says_what_it_waits_for(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = progress.PlainLines("hyper-ppo on ode", "steps")
    lines.phase("stopping")
    assert capsys.readouterr().err == ""  # within a signal's handler
    for done in (500, 512, 1024):
        lines.phase("training")
        lines(done, 2048)
        clock.now += 2.1
    told = "stopping (once more: at once), 512 of 2,048 steps"
    assert capsys.readouterr().err == f"hyperrl: hyper-ppo on ode: {told}\n"


def test_work_without_a_unit_is_reported_in_per_cent(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
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
    monkeypatch.setenv("COLUMNS", "120")
    with progress.progress("hyper-ppo on ode", "steps", "preparing") as advance:
        advance.phase("training")
        advance.reached(12.5)
        advance(1, 4)
    assert ("training  1 of 4 steps  return 12.5 " in shown.getvalue()) == terminal
    assert (" gone" in shown.getvalue()) == terminal
    assert "left" not in shown.getvalue()


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.4, "0:00"), (59.6, "1:00"), (3599, "59:59"), (3723, "1:02:03")]
)
def test_a_duration_reads_as_a_clock(seconds: float, shown: str) -> None:
    assert progress.clock(seconds) == shown
