"""Decides whether a run may import the module of its environment: this machine's record of trained files."""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

from hyperrl.errors import HyperRLWarning, UserError, spelled
from hyperrl.recipes import FamilyRecipe
from hyperrl.store.files import atomic_write
from hyperrl.store.safety import SOURCE
from hyperrl.store.spec import RunSpec, SourceFile
from hyperrl.tasks.base_modules import digest


def record_folder() -> Path:
    """Folder of the record: `hyperrl/trusted` below `$XDG_STATE_HOME`, by default `~/.local/state`."""
    state = os.environ.get("XDG_STATE_HOME", "")
    return Path(state if os.path.isabs(state) else os.path.expanduser("~/.local/state"), "hyperrl", "trusted")


def remember(source: SourceFile) -> None:
    """Note that a training on this machine imported this file with this content.

    The record lies outside every run: a run and a file that come from somebody else cannot bring their own.
    One small JSON file is written per path and content. Where it cannot be written, a warning says so.
    """
    entry = _entry(source)
    if entry.exists():
        return
    try:
        entry.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(entry, (json.dumps(source.model_dump(), indent=1) + "\n").encode())
    except OSError as error:
        warnings.warn(
            f"{str(entry.parent)!r} cannot be written ({error.strerror or error}): commands that open this"
            f" run will ask for {_allowing(source.path)}",
            HyperRLWarning,
            stacklevel=2,
        )


def copy_source(run: Path, source: SourceFile) -> None:
    """Keep a copy of a file in a run, to be read, not imported, beside those of its earlier contents.

    A package, or a compiled module, is not copied.
    """
    file = Path(source.path)
    if file.suffix == ".py" and file.name != "__init__.py":
        copy = run / SOURCE / file.name
        copy.parent.mkdir(exist_ok=True)
        if copy.is_file() and digest(copy) != source.sha256:
            copy.rename(copy.with_stem(f"{copy.stem}-{digest(copy)[:8]}"))
        atomic_write(copy, file.read_bytes())


def may_import(family: FamilyRecipe) -> bool:
    """Whether making the base environment imports nothing, or a file as this machine has trained with it."""
    if family.parsed_base.imports is None:
        return True
    found = SourceFile.of(family)
    return found is not None and _is_recorded(found)


def permitted(run: Path, spec: RunSpec, allow_import: Sequence[str]) -> RunSpec:
    """The spec of a run whose environment may be made: its base imports nothing that is not trusted.

    Trusted is a file as this machine has trained with it (same path, same content), and what `allow_import`
    names: a module, which is looked for among what is installed and in the working folder but never where a
    run says, or the path of a Python file. Where the run's file is gone, one of the same content takes its
    place that this machine has trained with elsewhere, or was shown by `allow_import`.

    Args:
        run: the run's directory, for messages.
        spec: what its `run.yaml` says.
        allow_import: names of modules, and paths of Python files.

    Returns:
        The spec, whose family says where its base is imported from.

    Raises:
        UserError: the base imports a file that is not trusted, is no longer where it lay, or has changed.
    """
    base = spec.family.parsed_base
    if base.imports is None:
        return spec
    for allowed in allow_import:
        moved = _from_file(spec.family, allowed) if allowed.endswith(".py") else None
        if moved is not None:
            _remember_known(SourceFile.of(moved))
        elif allowed == base.module:
            moved = spec.family.model_copy(update={"folder": None})
        if moved is not None:
            return spec.model_copy(update={"family": moved})
    found = SourceFile.of(spec.family)
    if found is not None and spec.source in (None, found) and _is_recorded(found):
        return spec
    if spec.source is not None and (found is None or found.path != spec.source.path):
        moved = _elsewhere(spec.family, spec.source.sha256)
        if moved is not None:
            return spec.model_copy(update={"family": moved})
    raise UserError(f"run {str(run)!r}: {_why(run, spec, found)}")


def needed_imports(run: Path, spec: RunSpec) -> tuple[str, ...]:
    """What `allow_import` must name for the run to be opened on this machine."""
    base = spec.family.parsed_base
    try:
        permitted(run, spec, ())
    except UserError:
        name = base.module or (spec.source.path if spec.source is not None else base.file)
        return (name,) if name else ()
    return ()


def _why(run: Path, spec: RunSpec, found: SourceFile | None) -> str:
    base, source = spec.family.parsed_base, spec.source
    what = f"its environment {base.text!r} imports"
    if source is not None and _is_recorded(source):
        if found is None or found.path != source.path:
            return f"{what} {source.path!r}, which is no longer there; say where it is: {_allowing('FILE')}"
        copy = run / SOURCE / Path(source.path).name
        return (
            f"{what} {source.path!r}, which has changed since the run was trained; pass"
            f" {_allowing(source.path)} to use it as it is now"
            + (f" (as it was: {str(copy)!r})" if copy.is_file() else "")
        )
    if base.module is not None:
        return f"{what} the module {base.module!r}; pass {_allowing(base.module)} if you trust it"
    path = base.file if found is None else found.path
    return f"{what} the file {path!r}; pass {_allowing(path)} if you trust it"


def _allowing(name: str | None) -> str:
    """How a message says that an import is allowed."""
    return spelled(f"allow_import=[{name!r}]", f"--allow-import {name}")


def _from_file(family: FamilyRecipe, path: str) -> FamilyRecipe | None:
    """The family with its base imported from the file at `path`; None where the base names another file."""
    file = os.path.abspath(path)
    if not os.path.isfile(file):
        argument = spelled("allow_import", "--allow-import")
        raise UserError(f"{argument}: found {path!r}, no such file; allowed: a Python file or a module")
    base, (folder, name) = family.parsed_base, os.path.split(file)
    if base.module is not None:
        for ending in (".py", f"{os.sep}__init__.py"):
            inside = os.sep + base.module.replace(".", os.sep) + ending
            if file.endswith(inside):
                return family.model_copy(update={"folder": file.removesuffix(inside) or os.sep})
        return None
    if name != os.path.basename(base.file or ""):
        return None
    return family.model_copy(update={"folder": folder, "base": f"{name}:{base.name}"})


def _remember_known(source: SourceFile | None) -> None:
    """Note the new place of a file whose content this machine has trained with."""
    if source is not None and any(each.sha256 == source.sha256 for each in _recorded()):
        remember(source)


def _elsewhere(family: FamilyRecipe, sha256: str) -> FamilyRecipe | None:
    """The family with its base imported from a place on record where a file of this content lies."""
    for source in _recorded():
        if source.sha256 == sha256 and os.path.isfile(source.path):
            moved = _from_file(family, source.path)
            if moved is not None and SourceFile.of(moved) == source:
                return moved
    return None


def _recorded() -> Iterator[SourceFile]:
    """All that is on record; an entry that cannot be read counts for none."""
    for entry in sorted(record_folder().glob("*.json")):
        try:
            yield SourceFile.model_validate_json(entry.read_bytes())
        except (OSError, ValueError):
            continue


def _is_recorded(source: SourceFile) -> bool:
    return _entry(source).is_file()


def _entry(source: SourceFile) -> Path:
    key = hashlib.sha256(os.fsencode(f"{source.path}\0{source.sha256}")).hexdigest()
    return record_folder() / f"{key}.json"
