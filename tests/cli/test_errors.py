import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import typer

from hyperrl.cli import errors
from hyperrl.errors import DivergenceError, EngineError, HyperRLWarning, UserError
from tests.acceptance.driving import ENVIRONMENT, refused


def status_of(raised: BaseException) -> int | None:
    with errors.report() as outcome:
        raise raised
    return outcome.status


def test_a_users_mistake_is_one_line_and_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of(UserError("agents/x.yaml: steps:\n  must be positive")) == 2
    assert capsys.readouterr() == ("", "hyperrl: error: agents/x.yaml: steps: must be positive\n")


def test_a_training_that_diverged_is_one_line_and_status_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of(DivergenceError("run 'x': weights are not finite")) == 1
    assert capsys.readouterr() == ("", "hyperrl: error: run 'x': weights are not finite\n")


def test_a_lost_cluster_is_one_line_and_status_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of(EngineError("the Ray cluster is lost")) == 1
    assert capsys.readouterr() == ("", "hyperrl: error: the Ray cluster is lost\n")


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


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["train", "hyper-ppo", "ode", "--out", "x" * 300], f"'{'x' * 300}': File name too long"),
        (["train", "hyper-ppo", "ode", "--out", ""], "--out: found ''; allowed: a path without line breaks"),
        (["train", "hyper-ppo", "ode", "--out", "a\nb"], "--out: found 'a\\nb'; allowed: a path without"),
        (["train", "--resume", "x" * 300], "': File name too long"),
        (["train", "hyper-ppo", "ode", "--from", "x" * 300], "': File name too long"),
        (["evaluate", "x" * 300], "': File name too long"),
        (["list", "runs", "x" * 300], "': File name too long"),
    ],
    ids=lambda given: " ".join(given)[:30] if isinstance(given, list) else "",
)
def test_paths_that_no_file_can_have_are_one_line(arguments: list[str], told: str, tmp_path: Path) -> None:
    refused(*arguments, cwd=tmp_path, says=told)


def test_a_working_directory_that_is_gone_is_one_line(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    shell = f"rmdir {folder}; exec {sys.executable} -m hyperrl list agents"
    done = subprocess.run(["sh", "-c", shell], cwd=folder, env=ENVIRONMENT, capture_output=True, text=True)
    told = "hyperrl: error: the working directory cannot be found (No such file or directory)\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", told)


@pytest.mark.parametrize("kilobytes", [50_000, 200_000])
def test_a_limit_of_memory_that_is_too_low_is_one_line(kilobytes: int, tmp_path: Path) -> None:
    shell = f"ulimit -v {kilobytes}; exec {sys.executable} -m hyperrl train hyper-ppo ode --steps 64"
    done = subprocess.run(["sh", "-c", shell], cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
    assert done.stderr.startswith("hyperrl: error: not enough memory; a limit may be too low")


def test_a_warning_of_ours_is_one_line_and_no_others(capsys: pytest.CaptureFixture[str]) -> None:
    shown: list[str] = []
    with pytest.MonkeyPatch.context() as patched, warnings.catch_warnings():
        warnings.simplefilter("always")
        patched.setattr(warnings, "showwarning", lambda message, *_: shown.append(str(message)))
        with errors.report():
            warnings.warn("ours\nand more", HyperRLWarning, stacklevel=1)
            warnings.warn("theirs", UserWarning, stacklevel=1)
    assert capsys.readouterr().err == "hyperrl: warning: ours and more\n"
    assert shown == ["theirs"]
