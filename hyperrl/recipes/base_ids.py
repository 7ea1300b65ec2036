"""The base environment of a family: a registered id, perhaps of a module, or a class of a Python file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from hyperrl.recipes.code import CodeName
from hyperrl.recipes.messages import FieldError

_ID = r"(?:[\w-]+/)?[\w.-]+"
_BASE = re.compile(
    rf"(?:(?P<file>[^:\s][^:\x00-\x1f]*\.py):|(?P<module>[A-Za-z_]\w*(?:\.\w+)*):)?(?P<name>{_ID})", re.ASCII
)
_LOADED = ("gymnasium", "hyperrl")
_ALLOWED = (
    "a Gymnasium id: Id-v0, namespace/Id-v0 or module:Id-v0; or a class of a Python file of your own:"
    " file.py:Class"
)


@dataclass(frozen=True)
class BaseId(CodeName):
    """A parsed `base`: `name` is the id under which Gymnasium knows the environment, or a class of `file`."""

    what: ClassVar[str] = "environment"

    @classmethod
    def parse(cls, text: str, folder: str | None = None) -> BaseId:
        """Split `Id-v0`, `namespace/Id-v0`, `module:Id-v0`, `file.py:Class` or `file.py:Id-v0`.

        Raises:
            FieldError: it is none of these.
        """
        match = _BASE.fullmatch(text) if len(text) <= 200 else None
        if match is None:
            raise FieldError(found=text, allowed=_ALLOWED)
        return cls(text, match["name"], match["module"], match["file"], folder)

    @property
    def imports(self) -> str | None:
        """The module or the file that must be imported; None where Gymnasium knows the id already."""
        return self.file or (None if self.module in _LOADED else self.module)

    @property
    def class_name(self) -> str | None:
        """The class that the file holds; None where `name` is a registered id."""
        return self.name if self.file is not None and self.name.isidentifier() else None
