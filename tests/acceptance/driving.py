"""Drives the command line as a user does: a process, its streams, its exit status, its files."""

import atexit
import hashlib
import json
import os
import re
import subprocess
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from functools import cache
from io import StringIO
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(_ROOT), "OMP_NUM_THREADS": "1", "COLUMNS": "80"}

Done = subprocess.CompletedProcess[str]

_NO_TORCH = """
import sys

class NoTorch:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ImportError("torch is imported where it must not be")

sys.meta_path.insert(0, NoTorch())
"""

# Starting Python and importing NumPy and SciPy a hundred times takes minutes: one process does it, and forks.
_SERVER = (
    _NO_TORCH
    + """
import json, os
from hyperrl.cli import app, main, recipe
import hyperrl.api, hyperrl.tasks.checks, scipy.stats

for line in sys.stdin:
    job = json.loads(line)
    child = os.fork()
    if child == 0:
        os.chdir(job["cwd"])
        for stream, path in enumerate([os.devnull, job["stdout"], job["stderr"]]):
            os.dup2(os.open(path, os.O_RDWR), stream)
        status = main(job["args"])
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
)


def hyperrl(*args: str | Path, cwd: Path) -> Done:
    """Run one command in `cwd`, in a process of its own; lines of progress are left out."""
    done = subprocess.run(
        [sys.executable, "-m", "hyperrl", *map(str, args)],
        cwd=cwd,
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    done.stderr = _without_progress(done.stderr)
    return done


def hyperrl_without_torch(*args: str | Path, cwd: Path) -> Done:
    """Run one command in `cwd`, where importing torch fails; what it prints is kept beside `cwd`."""
    server = _server()
    assert server.stdin is not None
    assert server.stdout is not None
    streams = [cwd.parent / f"{cwd.name}.{name}" for name in ("stdout", "stderr")]
    for stream in streams:
        stream.write_text("")
    job = {
        "args": [str(arg) for arg in args],
        "cwd": str(cwd),
        "stdout": str(streams[0]),
        "stderr": str(streams[1]),
    }
    server.stdin.write(json.dumps(job) + "\n")
    server.stdin.flush()
    status = int(server.stdout.readline())
    return subprocess.CompletedProcess(args, status, *(stream.read_text() for stream in streams))


def hyperrl_here(*args: str | Path, cwd: Path) -> Done:
    """Run one command in `cwd`, in this process; lines of progress are left out."""
    from hyperrl.cli import main

    out, err = StringIO(), StringIO()
    with chdir(cwd), redirect_stdout(out), redirect_stderr(err):
        status = main([str(arg) for arg in args])
    return subprocess.CompletedProcess(args, status, out.getvalue(), _without_progress(err.getvalue()))


@cache
def _server() -> "subprocess.Popen[str]":
    server = subprocess.Popen(
        [sys.executable, "-c", _SERVER],
        env=ENVIRONMENT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def stop() -> None:
        server.communicate(timeout=30)

    atexit.register(stop)
    return server


def tree(folder: Path) -> dict[str, str]:
    """Every path below `folder` with a digest of its content; a run's lock names its last process."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        if path.is_file() and path.name != "lock"
        else path.name
        for path in folder.rglob("*")
    }


def refused(*args: str | Path, cwd: Path, says: str | tuple[str, ...], torch: bool = False) -> None:
    """Assert that a command is refused: status 2, one line on stderr, no other output, no file touched.

    The command runs where torch cannot be imported, or with `torch` in this process, which has loaded it.
    """
    before = tree(cwd)
    done = (hyperrl_here if torch else hyperrl_without_torch)(*args, cwd=cwd)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert done.stderr.startswith("hyperrl: error: "), done.stderr
    assert done.stderr.endswith("\n"), done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    for part in (says,) if isinstance(says, str) else says:
        assert part in done.stderr, f"{part!r} is not in {done.stderr!r}"
    assert tree(cwd) == before


def succeeded(*args: str | Path, cwd: Path, torch: bool = False) -> str:
    """Assert that a command ends well with nothing on stderr but progress, and return what it printed.

    The command runs where torch cannot be imported, or with `torch` in this process.
    """
    done = (hyperrl_here if torch else hyperrl_without_torch)(*args, cwd=cwd)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


def printed_here(*args: str, cwd: Path) -> str:
    """Assert that a command, run in this process, ends well and writes no file; return what it printed."""
    printed = succeeded(*args, cwd=cwd, torch=True)
    assert list(cwd.iterdir()) == []
    return printed


def _without_progress(stderr: str) -> str:
    """What is said beside the lines that work of more than five seconds prints."""
    work = r"evaluating|identifying|fitting|[\w-]+ on [\w-]+|resumed"
    return re.sub(rf"^hyperrl: ({work}): .*\n", "", stderr, flags=re.MULTILINE)
