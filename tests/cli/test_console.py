import io

import pytest

from hyperrl.cli import console


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
    console.names("envs", [(name, "any", "word " * 20)])
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
