import io
from typing import Any

import pytest

from hyperrl.cli import console
from hyperrl.evaluation import TaskResult, summarize


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_pipe_gets_plain_columns_that_never_wrap(capsys: pytest.CaptureFixture[str]) -> None:
    console.table(["name", "what"], [["ode", "x" * 500], ["[bold]", ":smile:"]])
    printed = capsys.readouterr().out
    assert printed.splitlines() == ["name    what", f"ode     {'x' * 500}", "[bold]  :smile:"]


def test_a_terminal_wraps_or_cuts_but_never_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr("sys.stdout", terminal)
    name = "double-integrator-friction"
    console.table(["name", "what"], [[name, "word " * 20]])
    assert terminal.getvalue().count("word") == 20
    assert name in terminal.getvalue()
    before = len(terminal.getvalue())
    console.names("envs", {name: "word " * 20}, {name: "any"})
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
    assert console.number(value) == shown


def summed(*means: float, split: str = "train", oracle: float | None = None) -> dict[str, Any]:
    results = [TaskResult({"c0": float(c0)}, split, [mean], [200], oracle) for c0, mean in enumerate(means)]
    return dict(summarize(results))


def test_a_share_is_told_only_of_a_positive_optimum(capsys: pytest.CaptureFixture[str]) -> None:
    one, other = summed(-50.0, -50.0, split="one", oracle=100.0), summed(-50.0, split="two", oracle=-40.0)
    console.splits({**one, **other})
    first, second = capsys.readouterr().out.splitlines()[1:]
    assert first.split()[-1] == "-50.0%"
    assert second.split()[-1] == "-"


def test_the_table_says_how_sure_it_is_and_which_task_is_worst(capsys: pytest.CaptureFixture[str]) -> None:
    found = summed(10.0, 20.0, 12.0, 18.0, oracle=20.0)
    console.splits(found)
    console.worst(found)
    split, named = (line.split() for line in capsys.readouterr().out.splitlines()[1::2])
    # 3.182 (Student's t for 3 degrees of freedom) times the standard error, sqrt(68 / 3 / 4)
    assert split[:7] == ["train", "4", "15", "7.424", "to", "22.58", "2.38"]
    assert named == ["of", "train", "10", "50.0%", "c0=0"]


def test_many_tasks_are_summed_up(capsys: pytest.CaptureFixture[str]) -> None:
    def task(c0: int) -> TaskResult:
        kind = "interpolation" if abs(c0) < 40 else "extrapolation"
        return TaskResult({"c0": float(c0)}, kind, [float(c0)], [200], None)

    console.tasks([task(c0) for c0 in range(-40, 41)])
    extrapolation, interpolation = (line.split() for line in capsys.readouterr().out.splitlines()[1:])
    assert extrapolation == ["extrapolation", "2", "0", "-40", "c0=-40", "40", "c0=40"]
    assert interpolation == ["interpolation", "79", "0", "-39", "c0=-39", "39", "c0=39"]


def test_where_no_optimum_is_known_none_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    console.splits(summed(5.0))
    console.worst(summed(5.0))
    console.tasks([TaskResult({"g": 1.0}, "train", [5.0], [10], None)])
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["split", "tasks", "return", "95", "%", "interval", "std.", "error", "IQM"],
        ["train", "1", "5", "-", "-", "5"],
        ["worst", "return", "task"],
        ["of", "train", "5", "c0=0"],
        ["task", "kind", "return"],
        ["g=1", "train", "5"],
    ]
