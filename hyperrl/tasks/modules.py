"""Finds and imports the module or the Python file that a recipe names."""

import hashlib
import importlib
import os
import sys
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import TypeVar

from hyperrl.errors import NOT_A_FAILURE, UserError, did_you_mean
from hyperrl.recipes.code import CodeName

T = TypeVar("T")

_imported: dict[Path, str] = {}
"""Digest of each file's content at the time when `import_code` imported it."""


def find_file(code: CodeName) -> Path | None:
    """Find the file that is imported for a name. Nothing is imported.

    A file (`file.py:Class`) lies in the recipe's folder. A module is looked for in three places, in this
    order: the recipe's folder, what is installed, the working folder.

    Returns:
        An absolute path; None where nothing is imported, or where the file is not found.
    """
    if code.file is not None:
        return _existing(os.path.join(code.folder or "", code.file))
    if code.module is None or code.imports is None:
        return None
    beside = _below([code.folder] if code.folder else [], code.module)
    return beside or _installed(code.module) or _in_working_folder(code.module)


def lasting_folder(code: CodeName) -> str | None:
    """The folder in which a name's file lies now, so that it is found from any other; the name's own else."""
    if code.file is not None:
        return os.path.abspath(code.folder or "")
    if code.module is not None and code.imports is not None:
        file = find_file(code)
        if file is not None and file == _in_working_folder(code.module):
            return os.getcwd()
    return code.folder


def digest(file: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def import_code(code: CodeName, where: str) -> ModuleType:
    """Import the module or the file of a name that has one.

    The folder of a file that is not installed is appended to `sys.path`: the file may import its neighbors,
    and no neighbor takes the place of an installed package.

    Args:
        code: the name.
        where: how messages begin.

    Raises:
        UserError: no such file or module; importing it fails; another module of its name is installed or
            loaded; or the file has changed since this process imported it.
    """
    file = find_file(code)
    if file is None:
        return _import_without_file(code, where)
    with _importing(file, where):
        return _import_file(file) if code.module is None else _import_module(code.module, file, where)


def class_of(module: ModuleType, name: str, parent: type[T], where: str) -> type[T]:
    """Get a class of an imported module; UserError where it has no subclass of `parent` of that name."""
    value = getattr(module, name, None)
    if isinstance(value, type) and issubclass(value, parent):
        return value
    known = [
        each
        for each, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, parent) and value.__module__ == module.__name__
    ]
    kind = f"gymnasium.{parent.__name__}"
    what = "has no such class" if value is None else f"has a {name!r} that is no subclass of {kind}"
    holder = getattr(module, "__file__", None) or module.__name__
    raise UserError(f"{where}: {holder!r} {what}{did_you_mean(name, known)}")


def _existing(path: str) -> Path | None:
    return Path(os.path.abspath(path)) if os.path.isfile(path) else None


def _below(folders: Iterable[str], module: str) -> Path | None:
    """The file of a module, or of a package, below the first of the folders that has it."""
    stem = module.replace(".", os.sep)
    paths = (os.path.join(each, stem + end) for each in folders for end in (".py", f"{os.sep}__init__.py"))
    return next(filter(None, map(_existing, paths)), None)


def _in_working_folder(module: str) -> Path | None:
    try:
        return _below([os.getcwd()], module)
    except FileNotFoundError:  # the folder was removed meanwhile
        return None


def _installed(module: str) -> Path | None:
    """The file of a module that is loaded or lies on Python's own path. No parent package is imported."""
    loaded = getattr(sys.modules.get(module), "__file__", None)
    if loaded:
        return _existing(loaded)
    top, _, inner = module.partition(".")
    try:
        spec = find_spec(top)
    except (ImportError, ValueError):
        return None
    if spec is None:
        return None
    if inner:
        return _below(spec.submodule_search_locations or (), inner)
    return _existing(spec.origin) if spec.origin else None


def _import_without_file(code: CodeName, where: str) -> ModuleType:
    """Import a module that has no file (in a zip archive, say); UserError where there is none."""
    folder = code.folder
    if code.module is None:
        raise UserError(f"{where} cannot be made: no file {os.path.join(folder or '', code.file or '')!r}")
    try:
        return importlib.import_module(code.module)
    except ModuleNotFoundError as error:
        beside = f"in {folder!r}, " if folder else ""
        looked = f"{beside}among what is installed and in the working folder"
        raise UserError(f"{where} cannot be made: {error}; looked {looked}") from error


def _import_module(name: str, file: Path, where: str) -> ModuleType:
    """Import a module by its own name, from the file that was found for it."""
    other = _installed(name)
    if not _same(other, file) and (name in sys.modules or not _same(other, _in_working_folder(name))):
        raise UserError(
            f"{where}: a module {name!r} is installed or loaded already ({str(other)!r}), and this one is"
            f" {str(file)!r}; rename the file, or name a class of it: {file.name}:CLASS"
        )
    if name in sys.modules:
        return sys.modules[name]
    on_path = other is not None and _same(other, file)
    if not on_path:
        depth = name.count(".") + (1 if file.name == "__init__.py" else 0)
        _append_to_path(file.parents[depth])
    if on_path or "." in name:
        importlib.invalidate_caches()
        return importlib.import_module(name)
    return _execute(name, file)


def _import_file(file: Path) -> ModuleType:
    """Import a file as a module called by its stem, or otherwise where another module has this name."""
    name = file.stem
    if not name.isidentifier() or not _same(_installed(name), file):
        name = f"{name}_{hashlib.sha256(os.fsencode(file)).hexdigest()[:8]}"
    _append_to_path(file.parent)
    return sys.modules[name] if name in sys.modules else _execute(name, file)


def _same(found: Path | None, file: Path | None) -> bool:
    """Whether what was found is this file, perhaps by a link, or nothing."""
    return found is None or (file is not None and os.path.samefile(found, file))


def _append_to_path(folder: Path) -> None:
    if str(folder) not in sys.path:
        sys.path.append(str(folder))


def _execute(name: str, file: Path) -> ModuleType:
    spec = spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


@contextmanager
def _importing(file: Path, where: str) -> Iterator[None]:
    """Raise a UserError, with the line of the file, for whatever its code raises; note what was imported."""
    now = digest(file)
    if _imported.get(file, now) != now:
        raise UserError(
            f"{where}: {str(file)!r} has changed since this process imported it; start a new process"
        )
    try:
        yield
    except (UserError, *NOT_A_FAILURE):
        raise
    except BaseException as error:
        raise UserError(f"{where}: importing {str(file)!r} fails{_failure(error, file)}") from error
    _imported[file] = now


def _failure(error: BaseException, file: Path) -> str:
    """What was raised: ", line 3: NameError: ..."; the line is the file's, if the error passed through it."""
    if isinstance(error, SyntaxError):
        lines, message = [error.lineno], error.msg
    else:
        frames = traceback.extract_tb(error.__traceback__)
        lines, message = [each.lineno for each in frames if each.filename == str(file)], str(error)
    at = f", line {lines[-1]}" if lines and lines[-1] else ""  # a null byte has no line
    return f"{at}: {type(error).__name__}: {message}"
