"""What must not be found in a stranger's run: folders and files that lead out of it, or that are none."""

from __future__ import annotations

import os
from pathlib import Path

from hyperrl.errors import UserError

FOLDERS = ("checkpoints", "evaluations", "figures")
"""Made with the run; `specialists` comes with the first of them."""
SOURCE = "source"
"""Folder of a copy of the file that the base environment was imported from; nothing is imported from it."""
_FILES = ("status.json", "progress.csv")


def refuse_strange(path: Path) -> None:
    """UserError where a folder of the run at `path` is a link or no folder, or a file of it is no file."""
    for name in (*FOLDERS, "specialists", "forward-model", SOURCE):
        if (path / name).is_symlink():
            raise UserError(f"run {str(path)!r}: {name} is a link, which may lead out of the run")
        if (path / name).exists() and not (path / name).is_dir():
            raise UserError(f"run {str(path)!r}: {name} is no directory")
    for name in _FILES:
        if (path / name).exists() and not (path / name).is_file():
            raise UserError(f"run {str(path)!r}: {name} is a directory or a device; allowed: a file")


def refuse_links(path: Path) -> None:
    """UserError where anything in the run at `path` is a link, through which training might write."""
    for folder, folders, files in os.walk(path):
        for name in sorted((*folders, *files)):
            if os.path.islink(os.path.join(folder, name)):
                inside = os.path.relpath(os.path.join(folder, name), path)
                raise UserError(
                    f"run {str(path)!r}: {inside} is a link, which may lead out of the run;"
                    " go on with a copy (cp -rL)"
                )
