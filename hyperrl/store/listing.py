"""Finds the runs below a folder, and what is wrong with their files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from hyperrl.errors import UserError
from hyperrl.store.checkpoint import read_meta
from hyperrl.store.files import read_object
from hyperrl.store.run import STATUS, Run
from hyperrl.store.safety import refuse_strange
from hyperrl.store.spec import SPEC, SpecReader


def runs_below(root: Path) -> Iterator[tuple[Path, Run | UserError]]:
    """Every run in `root` and the folders below it, by path, or what is wrong with it.

    Hidden folders are left out: runs lie there that another machine is still sending. Nothing is imported,
    whatever a run's environment is: such runs are to look at, not to use.
    """
    specs = SpecReader()
    for folder in sorted({path.parent for name in (SPEC, "checkpoints") for path in root.glob(f"**/{name}")}):
        if any(part.startswith(".") for part in folder.relative_to(root).parts):
            continue
        try:
            refuse_strange(folder)
            yield folder, Run(folder, specs.read(folder / SPEC))
        except UserError as mistake:
            yield folder, mistake


def fault(run: Run) -> str | None:
    """What is wrong with a file of a run; None where all seem whole.

    Of a checkpoint the header and the length are read, which reveal a truncated one; its digest is checked
    when it is loaded. A run that has taken steps must have its latest checkpoint.
    """
    names = run.checkpoints()
    for name in names:
        try:
            read_meta(run.path / "checkpoints" / f"{name}.safetensors")
        except (OSError, ValueError) as error:
            return f"checkpoint {name!r} is {error}"
    for path in (run.path / STATUS, *sorted(run.path.glob("evaluations/*.json"))):
        try:
            read_object(path)
        except ValueError as error:
            return f"{path.relative_to(run.path)} is {error}"
    return "checkpoint 'latest' is missing" if run.status.steps > 0 and "latest" not in names else None
