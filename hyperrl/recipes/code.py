"""Python code that a recipe names: something of a module, or of a Python file, which must be imported."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import ClassVar, Self


@dataclass(frozen=True)
class CodeName:
    """A name in a recipe, in its parts. It may name a module or a Python file, never both.

    Attributes:
        what: how messages call that which it names.
        text: as the recipe has it.
        name: what it names; of a module or of a file where there is one.
        module: dotted name of the module.
        file: path of the Python file, relative to `folder`.
        folder: where the module or the file is looked for first.
    """

    what: ClassVar[str]
    text: str
    name: str
    module: str | None = None
    file: str | None = None
    folder: str | None = None

    @property
    def imports(self) -> str | None:
        """The module or the file that must be imported; None where nothing must."""
        return self.file or self.module

    def in_file(self, path: str) -> Self | None:
        """The same name in the file at an absolute path; None where that is no file of this name."""
        folder, file = os.path.split(path)
        if self.module is not None:
            for ending in (".py", f"{os.sep}__init__.py"):
                inside = os.sep + self.module.replace(".", os.sep) + ending
                if path.endswith(inside):
                    return replace(self, folder=path.removesuffix(inside) or os.sep)
            return None
        if file != os.path.basename(self.file or ""):
            return None
        return replace(self, text=f"{file}:{self.name}", file=file, folder=folder)
