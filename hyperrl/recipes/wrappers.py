"""Wrappers of Gymnasium's, or of one's own, that an agent puts around the base environments of a family."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from hyperrl.errors import did_you_mean
from hyperrl.recipes.base import Argument, Attribute, Model, Text, argument
from hyperrl.recipes.code import CodeName
from hyperrl.recipes.messages import FieldError

_NAME = re.compile(
    r"(?:(?P<file>[^:\s][^:\x00-\x1f]*\.py):|(?P<module>[A-Za-z_]\w*(?:\.\w+)*):)?(?P<name>[A-Za-z_]\w*)",
    re.ASCII,
)
_DOTTED = re.compile(r"([A-Za-z_]\w*(?:\.\w+)*)\.([A-Za-z_]\w*)", re.ASCII)
_ALLOWED = (
    "the name of a wrapper in gymnasium.wrappers, or a class of your own, module:Class or file.py:Class"
)

_STATISTICS = "keeps running statistics that no checkpoint holds; allowed: the field 'normalize'"
_FUNCTION = "needs a function, which data cannot give; allowed: a wrapper of your own, file.py:Class"
_ARRAYS = "converts arrays, and observations here are NumPy's already"
_VECTOR = "wraps vector environments; allowed: wrappers of single ones, which stand below the context"
REFUSED = {
    "NormalizeObservation": _STATISTICS,
    "NormalizeReward": _STATISTICS,
    **dict.fromkeys(("TransformObservation", "TransformAction", "TransformReward"), _FUNCTION),
    **dict.fromkeys(("ArrayConversion", "JaxToNumpy", "JaxToTorch", "NumpyToTorch"), _ARRAYS),
    "ClipAction": "is not needed, as actions are clipped to their bounds; its own have none",
    "Autoreset": "begins the next episode by itself, which here the vector environments do",
    "RecordEpisodeStatistics": "is not needed: returns and lengths of episodes are recorded",
    "RecordVideo": "writes videos of training; allowed: hyperrl watch --video",
    "HumanRendering": "opens a window in training; allowed: hyperrl watch",
    "RenderCollection": "collects pictures, where hyperrl watch needs them one by one",
    "vector": _VECTOR,
}
"""Wrappers of Gymnasium's that cannot work here, and why."""


@dataclass(frozen=True)
class WrapperName(CodeName):
    """A wrapper's name: `name` is a class of gymnasium.wrappers, or of a module or a file of one's own."""

    what: ClassVar[str] = "wrapper"

    @classmethod
    def parse(cls, text: str, folder: str | None = None) -> WrapperName:
        """Split `Name`, `gymnasium.wrappers.Name`, `module:Class` or `file.py:Class`.

        Raises:
            FieldError: it is none of these, or a name that Gymnasium's wrappers do not have.
        """
        short = re.sub(r"^gymnasium\.wrappers[.:]", "", text)
        if short.startswith("vector.") or short.startswith("vector:"):
            raise FieldError(reason=f"{text} {_VECTOR}")
        match = _NAME.fullmatch(short) if len(short) <= 200 else None
        if match is None:
            dotted = _DOTTED.fullmatch(short)
            allowed = _ALLOWED if dotted is None else f"{dotted[1]}:{dotted[2]} for a class of the module"
            raise FieldError(found=text, allowed=allowed)
        name = cls(short, match["name"], match["module"], match["file"], folder)
        if name.imports is None:
            _refuse_unknown(short)
        return name


def _refuse_unknown(name: str) -> None:
    from gymnasium import wrappers

    if name in REFUSED:
        raise FieldError(reason=f"{name} {REFUSED[name]}")
    known = [each for each in wrappers.__all__ if each not in REFUSED]
    if name in known:
        return
    if name in wrappers.vector.__all__:
        raise FieldError(reason=f"{name} {_VECTOR}")
    raise FieldError(reason=f"found {name!r}{did_you_mean(name, known)}; allowed: {_ALLOWED}")


def argument_fault(kind: type, arguments: Mapping[str, Any]) -> str | None:
    """What is wrong with the names of a wrapper's arguments, the environment left out; None: nothing."""
    _, *parameters = inspect.signature(kind).parameters.values()
    named = [each for each in parameters if each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)]
    names = [each.name for each in named]
    if not any(each.kind == each.VAR_KEYWORD for each in parameters):
        for name in arguments:
            if name not in names:
                return f"unknown argument {name!r}{did_you_mean(name, names) or '; allowed: none'}"
    for each in named:
        if each.default is each.empty and each.name not in arguments:
            return f"argument {each.name!r} is missing"
    return None


class WrapperRecipe(Model):
    """A wrapper around a base environment."""

    name: Annotated[str, AfterValidator(lambda text: WrapperName.parse(text).text)]
    """of gymnasium.wrappers, or a class of your own as module:Class or file.py:Class"""
    arguments: Annotated[dict[Attribute, Argument], Field(max_length=100)] = Field(default={})
    """its constructor's arguments beside the environment: numbers, text, lists and mappings"""
    folder: Text | None = None
    """where the module or the file is looked for first; if you give none, the folder of the agent's file"""

    @property
    def code(self) -> WrapperName:
        """What the name names, in its parts."""
        return WrapperName.parse(self.name, self.folder)

    def __str__(self) -> str:
        """As a call: "RescaleAction(min_action=-1, max_action=1)"."""
        given = ", ".join(f"{name}={value!r}" for name, value in self.arguments.items())
        return f"{self.name}({given})"

    @model_validator(mode="after")
    def _gymnasiums_has_such_arguments(self) -> WrapperRecipe:
        if self.code.imports is None:
            from gymnasium import wrappers

            fault = argument_fault(getattr(wrappers, self.name), self.arguments)
            if fault is not None:
                raise FieldError(reason=f"{self.name}: {fault}")
        return self


def _explicit(value: object) -> object:
    """A wrapper with its fields, of the short forms `NAME` and `{NAME: {argument: value}}`."""
    if isinstance(value, str):
        return {"name": value}
    if isinstance(value, Mapping) and len(value) == 1:
        ((name, arguments),) = value.items()
        if isinstance(name, str) and name not in WrapperRecipe.model_fields:
            return {"name": name, "arguments": _arguments(name, {} if arguments is None else arguments)}
    return value


def _arguments(name: str, value: object) -> object:
    """The arguments of a wrapper; FieldError names it and the argument that is wrong."""
    if not isinstance(value, Mapping):
        raise FieldError(path=(name,), found=value, allowed="its arguments, as {argument: value}")
    for key, each in value.items():
        try:
            argument(each)
        except FieldError as error:
            raise FieldError(path=(name, str(key)), reason=error.reason) from None
    return value


def _listed(value: object) -> object:
    """A list of wrappers, of one that stands alone too."""
    return [value] if isinstance(value, (str, Mapping)) else value


Wrappers = Annotated[
    tuple[Annotated[WrapperRecipe, BeforeValidator(_explicit)], ...],
    BeforeValidator(_listed),
    Field(max_length=32),
]
