"""Drives the command line as a user does: a process, its streams, its exit status, its files."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

_AS_INSTALLED = "import sys; from hyperrl.cli import main; sys.exit(main())"
_WITHOUT_TORCH = "import sys; sys.modules['torch'] = None; from hyperrl.cli import main; sys.exit(main())"

Done = subprocess.CompletedProcess[str]


def hyperrl(*args: str | Path, cwd: Path, torch: bool = True) -> Done:
    """Run one command in `cwd`; with `torch` False, in a process where importing torch fails."""
    code = _AS_INSTALLED if torch else _WITHOUT_TORCH
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1", "COLUMNS": "80"}
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, args)],
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def tree(folder: Path) -> dict[str, str]:
    """Every path below `folder` with a digest of its content."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        if path.is_file()
        else "folder"
        for path in folder.rglob("*")
    }


def refused(*args: str | Path, cwd: Path, says: str | tuple[str, ...], torch: bool = False) -> None:
    """Assert that a command is refused: status 2, one line on stderr, no other output, no file touched."""
    before = tree(cwd)
    done = hyperrl(*args, cwd=cwd, torch=torch)
    assert (done.returncode, done.stdout) == (2, ""), done
    assert done.stderr.startswith("hyperrl: error: "), done.stderr
    assert done.stderr.endswith("\n"), done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    for part in (says,) if isinstance(says, str) else says:
        assert part in done.stderr, f"{part!r} is not in {done.stderr!r}"
    assert tree(cwd) == before


def succeeded(*args: str | Path, cwd: Path, torch: bool = True) -> str:
    """Assert that a command ends well with nothing on stderr, and return what it printed."""
    done = hyperrl(*args, cwd=cwd, torch=torch)
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout
