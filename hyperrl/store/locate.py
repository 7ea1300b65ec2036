"""Where a run is: messages about a path that holds no run, or one already."""

from __future__ import annotations

import shlex
from pathlib import Path

from hyperrl.errors import UserError, did_you_mean, user_syntax
from hyperrl.store.spec import SPEC

_LISTED = " (`hyperrl list runs` shows the runs below runs/)"


def require_run(path: Path) -> None:
    """UserError where `path` is no run's directory; it names the runs that may be meant."""
    if path.is_file():
        raise UserError(f"run {str(path)!r}: found a file; allowed: a run's directory{_holding(path)}")
    if not path.is_dir():
        raise UserError(
            f"run {str(path)!r}: no such directory{did_you_mean(str(path), _neighbors(path)) or _LISTED}"
        )
    if not (path / SPEC).is_file():
        raise UserError(f"run {str(path)!r}: not a run, it has no {SPEC}{_runs_inside(path)}")


def refuse_existing(path: Path) -> None:
    """UserError when `path` holds a run already, or is no directory."""
    another = f"name another directory with {user_syntax('out', '--out')}"
    if path.exists() and not path.is_dir():
        raise UserError(f"run {str(path)!r}: a file is in the way; {another}")
    if (path / SPEC).exists() or (path / "checkpoints").exists():
        raise UserError(
            f"run {str(path)!r}: holds a run already; go on with it by {resume_call(path)}, or {another}"
        )


def resume_call(path: Path) -> str:
    """How a message says that a run goes on, in Python or on the command line."""
    return user_syntax(f"hyperrl.resume({str(path)!r})", f"--resume {shlex.quote(str(path))}")


def _neighbors(path: Path) -> list[str]:
    """Runs that a mistyped `path` may have meant: those at its depth below its nearest folder that exists."""
    folder, depth = path.parent, 1
    while not folder.is_dir() and folder != folder.parent:
        folder, depth = folder.parent, depth + 1
    if folder == Path(folder.anchor):
        return []
    return sorted(str(file.parent) for file in folder.glob("*/" * min(depth, 4) + SPEC))


def _holding(file: Path) -> str:
    """The tail of a message about a file in the place of a run: the run that holds it, if any."""
    run = next((folder for folder in file.parents if (folder / SPEC).is_file()), None)
    return "" if run is None else f", such as {str(run)!r}, which holds it"


def _runs_inside(folder: Path) -> str:
    """The tail of a message about a folder in the place of a run: the first run up to four levels below."""
    for depth in range(1, 5):
        if runs := sorted(str(file.parent) for file in folder.glob("*/" * depth + SPEC)):
            others = f" and {len(runs) - 1} more" if len(runs) > 1 else ""
            return f"; below it: {runs[0]!r}{others}"
    return ""
