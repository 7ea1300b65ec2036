import os
import subprocess
import sys

import pytest
import typer

from hyperrl.cli import mistakes
from hyperrl.errors import DivergenceError, UserError


def status_of(raised: BaseException) -> int | None:
    with mistakes.held() as outcome:
        raise raised
    return outcome.status


def test_a_users_mistake_is_one_line_and_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of(UserError("agents/x.yaml: steps:\n  must be positive")) == 2
    assert capsys.readouterr() == ("", "hyperrl: error: agents/x.yaml: steps: must be positive\n")


def test_a_training_that_diverged_is_one_line_and_status_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of(DivergenceError("run 'x': weights are not finite")) == 1
    assert capsys.readouterr() == ("", "hyperrl: error: run 'x': weights are not finite\n")


def test_control_characters_of_the_users_do_not_reach_the_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert status_of(UserError("no agent \x1b[31m\x07")) == 2
    assert capsys.readouterr().err == "hyperrl: error: no agent \\x1b[31m\\x07\n"


def test_a_usage_mistake_is_one_line_and_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of(typer.BadParameter("'x' is not a number.", param_hint="--steps")) == 2
    assert capsys.readouterr().err == "hyperrl: error: Invalid value for --steps: 'x' is not a number\n"


@pytest.mark.parametrize("raised", [KeyboardInterrupt(), typer.Abort()])
def test_an_interruption_is_status_130(raised: BaseException, capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of(raised) == 130
    assert capsys.readouterr().err.count("\n") <= 1


def test_a_fault_of_ours_shows_its_traceback_and_is_status_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of(ValueError("shapes differ")) == 1
    told = capsys.readouterr().err
    assert told.startswith("Traceback")
    assert told.endswith("hyperrl: internal error: ValueError: shapes differ\n")


def test_what_a_terminal_cannot_show_is_escaped() -> None:
    code = (
        "import sys\nfrom hyperrl.cli import mistakes\n"
        "with mistakes.held() as outcome:\n    print('caf\\u00e9 \\udcff')\n"
        "sys.exit(outcome.status or 0)"
    )
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"caf\\xe9 \\udcff\n", b"")


def test_a_reader_that_goes_away_leaves_no_traceback() -> None:
    code = (
        "import os, sys\nfrom hyperrl.cli import mistakes\n"
        "sys.stdin.read()\n"
        "with mistakes.held() as outcome:\n    print('x' * 100_000)\n"
        "sys.exit(outcome.status or 0)"
    )
    reader, writer = os.pipe()
    writing = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=writer, stderr=subprocess.PIPE, text=True
    )
    os.close(writer)
    os.close(reader)
    _, told = writing.communicate("", timeout=60)
    assert (writing.returncode, told) == (1, "")
