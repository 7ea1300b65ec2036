"""Files of a run directory: atomic writes and the names that may appear in them."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hyperrl.arguments import to_path
from hyperrl.errors import UserError, user_syntax

CHECKPOINT = re.compile(r"latest|best|0|[1-9][0-9]{0,17}")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,127}")
UNFINISHED = ".unfinished"


def atomic_write(path: Path, data: bytes) -> None:
    """Replace the file at `path` by `data`: written beside it, synced, then renamed.

    A crash at any moment leaves either the old file or the new one, whole.

    Raises:
        OSError: the folder cannot be written.
    """
    with replacing(path) as beside:
        beside.write_bytes(data)


@contextlib.contextmanager
def replacing(path: Path, ending: str = UNFINISHED) -> Iterator[Path]:
    """An empty file beside `path` to write to, which takes its place at the end, as `atomic_write` does.

    Args:
        path: the file to write or replace.
        ending: of the name of the file beside it.

    Raises:
        OSError: the folder cannot be written.
    """
    with _beside(path, ending) as beside:
        yield beside
        with beside.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(beside, path)
    _sync_folder(path.parent)


def try_writing(path: Path) -> None:
    """Make the file beside `path` that `replacing` needs, and remove it: before work that takes long.

    Where its folder is not there yet, the nearest one above is tried. Permissions would not tell: they do not
    bind root, and not every file system takes files.

    Raises:
        OSError: the folder cannot be written, `path` is a directory, or no file can be called so.
    """
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    folder = next(folder for folder in path.parents if os.path.lexists(folder))
    try:
        with _beside(folder / path.name):
            pass
    except ValueError as error:
        raise OSError(errno.EINVAL, str(error), str(path)) from error


def new_file(out: str | Path | None, default: Path, suffix: str, force: bool) -> Path:
    """The path of a file that a command writes; nothing is written yet.

    Args:
        out: as the user names it; None: the default.
        default: where it lies by itself.
        suffix: how its name must end.
        force: whether it may replace a file.

    Raises:
        UserError: another ending, a file that exists, or a folder that cannot be written.
    """
    path = default if out is None else to_path(user_syntax("out", "--out"), out)
    if path.suffix != suffix:
        raise UserError(f"out {str(path)!r}: found the ending {path.suffix!r}; allowed: {suffix}")
    if os.path.lexists(path) and not force:
        raise UserError(
            f"out {str(path)!r}: exists already; name another file with {user_syntax('out', '--out')}, or"
            f" replace it with {user_syntax('force=True', '--force')}"
        )
    with report_write_errors("out", path):
        try_writing(path)
    return path


@contextlib.contextmanager
def report_write_errors(what: str, path: Path) -> Iterator[None]:
    """UserError, beginning with `what` and `path`, where what is done cannot write there."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error).partition("\n")[0]
        raise UserError(f"{what} {str(path)!r}: cannot be written ({reason})") from error


def remove_unfinished(folder: Path) -> None:
    """Remove what `atomic_write` left in `folder` when its process was killed."""
    for path in folder.glob(f".*{UNFINISHED}"):
        path.unlink(missing_ok=True)


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in a file; ValueError says in a phrase why there is none."""
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        content = None
    if isinstance(content, dict):
        return content
    raise ValueError("truncated or not a JSON object")


def checkpoint_name(name: str) -> str:
    """`name` if it is a checkpoint's: `latest`, `best` or a number of steps; else UserError."""
    if CHECKPOINT.fullmatch(name):
        return name
    raise UserError(f"checkpoint {name!r}: a checkpoint is called latest, best or a number of steps")


def file_name(name: str) -> str:
    """`name` if it is safe as the stem of a file (letters, digits, `._+-`, at most 128); else UserError."""
    if NAME.fullmatch(name):
        return name
    raise UserError(f"name {name!r}: only letters, digits and ._+- are allowed, at most 128 of them")


@contextlib.contextmanager
def _beside(path: Path, ending: str = UNFINISHED) -> Iterator[Path]:
    """A new file in the folder of `path`, which is removed unless it was renamed."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}{ending}")
    beside.touch(exist_ok=False)
    try:
        yield beside
    finally:
        beside.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Make a rename in `folder` outlive a power failure."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
