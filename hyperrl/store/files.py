"""Files of a run directory: atomic writes and the names that may appear in them."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from pathlib import Path

from hyperrl.errors import UserError

CHECKPOINT = re.compile(r"latest|best|0|[1-9][0-9]{0,17}")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,127}")
UNFINISHED = ".unfinished"


def atomic_write(path: Path, data: bytes) -> None:
    """Replace the file at `path` by `data`: written beside it, synced, then renamed.

    A crash at any moment leaves either the old file or the new one, whole.

    Raises:
        OSError: the folder cannot be written.
    """
    handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=UNFINISHED)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(beside, 0o666 & ~_umask())
        os.replace(beside, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(beside)
        raise
    _sync_folder(path.parent)


def remove_unfinished(folder: Path) -> None:
    """Remove what `atomic_write` left in `folder` when its process was killed."""
    for path in folder.glob(f".*{UNFINISHED}"):
        path.unlink(missing_ok=True)


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


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _sync_folder(folder: Path) -> None:
    """Make a rename in `folder` outlive a power failure, where the system can open folders."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
