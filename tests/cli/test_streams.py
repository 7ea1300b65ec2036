"""Standard streams that are closed, on a full device, or read by nobody any more."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.driving import ENVIRONMENT


def test_what_a_terminal_cannot_show_is_escaped() -> None:
    code = (
        "import sys\nfrom hyperrl.cli import errors\n"
        "with errors.report() as outcome:\n    print('caf\\u00e9 \\udcff')\n"
        "sys.exit(outcome.status or 0)"
    )
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"caf\\xe9 \\udcff\n", b"")


@pytest.mark.parametrize(
    ("streams", "command"), [(">&-", "--version"), ("> /dev/full", "list agents --json")]
)
def test_output_that_cannot_be_written_is_one_line(streams: str, command: str, tmp_path: Path) -> None:
    shell = f"exec {sys.executable} -m hyperrl {command} {streams}"
    done = subprocess.run(["sh", "-c", shell], cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True)
    why = "Bad file descriptor" if streams == ">&-" else "No space left on device"
    assert done.stderr == f"hyperrl: error: standard output cannot be written ({why})\n"
    assert done.returncode == 1


@pytest.mark.parametrize(
    ("streams", "command", "status"), [("2>&- <&-", "list agents", 0), ("2> /dev/full", "list agens", 2)]
)
def test_messages_that_cannot_be_written_end_nothing(
    streams: str, command: str, status: int, tmp_path: Path
) -> None:
    shell = f"{sys.executable} -m hyperrl {command} {streams}"
    done = subprocess.run(["sh", "-c", shell], cwd=tmp_path, env=ENVIRONMENT, capture_output=True)
    assert (done.returncode, done.stdout.startswith(b"agents"), done.stderr) == (status, status == 0, b"")


def test_a_reader_that_goes_away_leaves_no_traceback() -> None:
    code = (
        "import os, sys\nfrom hyperrl.cli import errors\n"
        "sys.stdin.read()\n"
        "with errors.report() as outcome:\n    print('x' * 100_000)\n"
        "sys.exit(outcome.status or 0)"
    )
    reader, writer = os.pipe()
    writing = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=writer, stderr=subprocess.PIPE, text=True
    )
    os.close(writer)
    os.close(reader)
    _, told = writing.communicate("", timeout=60)
    assert (writing.returncode, told) == (141, "")
