import io

import pytest

from hyperrl.cli import show
from hyperrl.evaluation import TaskResult


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_pipe_gets_plain_columns_that_never_wrap(capsys: pytest.CaptureFixture[str]) -> None:
    show.table(["name", "what"], [["ode", "x" * 500], ["[bold]", ":smile:"]])
    printed = capsys.readouterr().out
    assert printed.splitlines() == ["name    what", f"ode     {'x' * 500}", "[bold]  :smile:"]


def test_a_terminal_wraps_or_cuts_but_never_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr("sys.stdout", terminal)
    name = "double-integrator-friction"
    show.table(["name", "what"], [[name, "word " * 20]])
    assert terminal.getvalue().count("word") == 20
    assert name in terminal.getvalue()
    before = len(terminal.getvalue())
    show.names("envs", {name: "word " * 20}, {name: "any"})
    printed = terminal.getvalue()[before:]
    assert name in printed
    assert "…" in printed
    assert len(printed.splitlines()) == 3


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "-"),
        (150_000, "150,000"),
        (172.0123, "172"),
        (0.86049, "0.8605"),
        (3e-17, "0"),
        (-1e6, "-1e+06"),
    ],
)
def test_numbers(value: float | None, shown: str) -> None:
    assert show.number(value) == shown


def test_a_share_is_told_only_of_a_positive_optimum(capsys: pytest.CaptureFixture[str]) -> None:
    split = {"tasks": 2, "mean": -50.0, "stderr": None, "iqm": -50.0}
    show.splits("a", {"one": {**split, "oracle": 100.0}, "two": {**split, "oracle": -40.0}})
    one, two = capsys.readouterr().out.splitlines()[1:]
    assert one.split()[-1] == "-50.0%"
    assert two.split()[-1] == "-"


def test_many_tasks_are_summed_up(capsys: pytest.CaptureFixture[str]) -> None:
    def task(c0: int) -> TaskResult:
        kind = "interpolation" if abs(c0) < 40 else "extrapolation"
        return TaskResult({"c0": float(c0)}, kind, [float(c0)], [200], None)

    show.tasks("a", [task(c0) for c0 in range(-40, 41)])
    extrapolation, interpolation = (line.split() for line in capsys.readouterr().out.splitlines()[1:])
    assert extrapolation == ["extrapolation", "2", "0", "-40", "c0=-40", "40", "c0=40"]
    assert interpolation == ["interpolation", "79", "0", "-39", "c0=-39", "39", "c0=39"]


def test_where_no_optimum_is_known_none_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    show.splits("a", {"one": {"tasks": 2, "mean": 5.0, "stderr": 1.0, "iqm": 5.0, "oracle": None}})
    show.tasks("a", [TaskResult({"g": 1.0}, "train", [5.0], [10], None)])
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["split", "tasks", "a", "std.", "error", "IQM"],
        ["one", "2", "5", "1", "5"],
        ["task", "kind", "a"],
        ["g=1", "train", "5"],
    ]
