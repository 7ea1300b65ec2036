"""Decides whether a run may import the code that it names: this machine's record of trained files."""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from hyperrl.errors import HyperRLWarning, UserError, user_syntax
from hyperrl.recipes import FamilyRecipe
from hyperrl.recipes.code import CodeName
from hyperrl.store.files import atomic_write
from hyperrl.store.safety import SOURCE
from hyperrl.store.spec import RunSpec, SourceFile
from hyperrl.tasks.modules import digest


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
    current = SourceFile.of(family.parsed_base)
    return current is not None and _entry(current).is_file()


def permitted(run: Path, spec: RunSpec, allow_import: Sequence[str]) -> RunSpec:
    """The spec of a run whose environments may be made: they import nothing that is not trusted.

    Trusted is a file that this machine has trained with (same path, same content), and what `allow_import`
    names: the path of a Python file, or a module, which is imported from what is installed or the working
    folder but never from where a run says. Where the run's file is gone, a file of the same content takes its
    place, if this machine has trained with it elsewhere or `allow_import` names it.

    Args:
        run: the run's directory, for messages.
        spec: what its `run.yaml` says.
        allow_import: names of modules, and paths of Python files.

    Returns:
        The spec, which says where base environment and wrappers are imported from.

    Raises:
        UserError: one of them imports a file that is not trusted, is no longer where it lay, or has changed.
    """
    pairs = zip(spec.code, spec.sources, strict=True)
    return spec.with_code([_permit(run, code, source, allow_import) for code, source in pairs])


def _permit(run: Path, code: CodeName, source: SourceFile | None, allow_import: Sequence[str]) -> CodeName:
    """One name, with where it is imported from; raises as `permitted`."""
    if code.imports is None:
        return code
    for allowed in allow_import:
        moved = _in_file(code, allowed) if allowed.endswith(".py") else None
        if moved is not None:
            _remember_known(SourceFile.of(moved))
        elif allowed == code.module:
            moved = replace(code, folder=None)
        if moved is not None:
            return moved
    current = SourceFile.of(code)
    if current is not None and source in (None, current) and _entry(current).is_file():
        return code
    if source is not None and (current is None or current.path != source.path):
        moved = _elsewhere(code, source.sha256)
        if moved is not None:
            return moved
    raise UserError(f"run {str(run)!r}: {_refusal(run, code, source, current)}")


def needed_imports(run: Path, spec: RunSpec) -> tuple[str, ...]:
    """What `allow_import` must name for the run to be opened on this machine."""
    names = []
    for code, source in zip(spec.code, spec.sources, strict=True):
        try:
            _permit(run, code, source, ())
        except UserError:
            names.append(code.module or (source.path if source is not None else code.file))
    return tuple(dict.fromkeys(name for name in names if name))


def _refusal(run: Path, code: CodeName, source: SourceFile | None, current: SourceFile | None) -> str:
    """Why code of a run must not be imported, and how it may be, as a part of a message."""
    what = f"its {code.what} {code.text!r} imports"
    if source is not None and _entry(source).is_file():
        if current is None or current.path != source.path:
            return f"{what} {source.path!r}, which is no longer there; say where it is: {_allowing('FILE')}"
        copy = run / SOURCE / Path(source.path).name
        return (
            f"{what} {source.path!r}, which has changed since the run was trained; pass"
            f" {_allowing(source.path)} to use it as it is now"
            + (f" (as it was: {str(copy)!r})" if copy.is_file() else "")
        )
    if code.module is not None:
        return f"{what} the module {code.module!r}; pass {_allowing(code.module)} if you trust it"
    path = code.file if current is None else current.path
    return f"{what} the file {path!r}; pass {_allowing(path)} if you trust it"


def _allowing(name: str | None) -> str:
    """How a message says that an import is allowed."""
    return user_syntax(f"allow_import=[{name!r}]", f"--allow-import {name}")


def _in_file(code: CodeName, path: str) -> CodeName | None:
    """The name in the file at `path`; None where it is of another file, UserError where there is no file."""
    file = os.path.abspath(path)
    if not os.path.isfile(file):
        argument = user_syntax("allow_import", "--allow-import")
        raise UserError(f"{argument}: found {path!r}, no such file; allowed: a Python file or a module")
    return code.in_file(file)


def _remember_known(source: SourceFile | None) -> None:
    """Note the new place of a file whose content this machine has trained with."""
    if source is not None and any(each.sha256 == source.sha256 for each in _recorded()):
        remember(source)


def _elsewhere(code: CodeName, sha256: str) -> CodeName | None:
    """The name in a file of this content at another place on record."""
    for source in _recorded():
        if source.sha256 == sha256 and os.path.isfile(source.path):
            other = code.in_file(source.path)
            if other is not None and SourceFile.of(other) == source:
                return other
    return None


def _recorded() -> Iterator[SourceFile]:
    """All that is on record; an entry that cannot be read counts for none."""
    for entry in sorted(record_folder().glob("*.json")):
        try:
            yield SourceFile.model_validate_json(entry.read_bytes())
        except (OSError, ValueError):
            continue


def _entry(source: SourceFile) -> Path:
    """The file of the record that says that this machine has trained with a file of this content."""
    key = hashlib.sha256(os.fsencode(f"{source.path}\0{source.sha256}")).hexdigest()
    return record_folder() / f"{key}.json"
