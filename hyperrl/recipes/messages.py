"""Messages of recipes: pydantic's errors in one line with the field, what was found and what is allowed."""

import json
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from hyperrl.arguments import ArgumentError
from hyperrl.errors import did_you_mean

_SHOWN = 80
_ALLOWED = {
    "greater_than": "a number > {gt}",
    "greater_than_equal": "a number >= {ge}",
    "less_than": "a number < {lt}",
    "less_than_equal": "a number <= {le}",
    "literal_error": "{expected}",
    "bool_type": "true or false",
    "string_type": "text",
    "string_too_short": "text that is not empty",
    "tuple_type": "a list",
    "dict_type": "a mapping, as {{NAME: value}}",
    "model_attributes_type": "a mapping of fields, as {{FIELD: value}}",
    "too_short": "at least {min_length} of them",
    "too_long": "at most {max_length} of them",
}


class FieldError(ValueError):
    """A field of a recipe is wrong; raised by validators, with `found` and `allowed`, or else a `reason`.

    Attributes:
        path: leads from the value under validation to the field.
        reason: what is wrong, in words.
        unknown: whether there is no such field.
    """

    def __init__(
        self,
        *,
        path: Sequence[str | int] = (),
        found: object = None,
        allowed: str = "",
        reason: str = "",
        unknown: bool = False,
    ) -> None:
        self.path, self.unknown = tuple(path), unknown
        self.reason = reason or f"found {show(found)}; allowed: {allowed}"
        super().__init__(self.reason)

    def __str__(self) -> str:
        """The field and what is wrong: "features.gravity.train: found [5, 1]; allowed: low < high"."""
        parts = (str(part) for part in self.path)
        where = ".".join(part if part.isprintable() and len(part) <= _SHOWN else show(part) for part in parts)
        return f"{where}: {self.reason}" if where else self.reason


def show(value: object) -> str:
    """A value as YAML would write it on one line, cut after 80 characters."""
    try:
        text = json.dumps(value, ensure_ascii=False, default=_plain)
    except (TypeError, ValueError):
        text = repr(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _plain(value: object) -> object:
    return value.model_dump() if isinstance(value, BaseModel) else repr(value)


def field_error(error: ValidationError, data: object) -> FieldError:
    """The first error.

    Args:
        error: from validating `data`.
        data: the input, which tells a field's name from the tags that pydantic puts into an error's location.
    """
    detail = error.errors(include_url=False)[0]
    path = _fields(detail["loc"], data, missing=detail["type"] == "missing")
    cause = detail.get("ctx", {}).get("error")
    if isinstance(cause, FieldError):
        return FieldError(path=(*path, *cause.path), reason=cause.reason, unknown=cause.unknown)
    if isinstance(cause, ArgumentError):
        return FieldError(path=(*path, *cause.path), found=cause.found, allowed=cause.allowed)
    if detail["type"] == "union_tag_invalid":
        path.append(str(detail["ctx"]["discriminator"]).strip("'"))
    return FieldError(path=path, reason=_reason(detail))


def _fields(location: Sequence[int | str], data: object, *, missing: bool) -> list[str]:
    """The location without the tags of unions, which are no keys of the input."""
    path: list[str] = []
    value: Any = data
    for depth, part in enumerate(location):
        try:
            value = vars(value)[str(part)] if isinstance(value, BaseModel) else value[part]
        except (LookupError, TypeError):
            if not (missing and depth == len(location) - 1):
                continue
        path.append(str(part))
    return path


def _reason(detail: ErrorDetails) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "missing":
        return "missing"
    if kind == "union_tag_invalid":
        tags = [tag.strip("' ") for tag in str(context["expected_tags"]).split(",")]
        return f"found {show(context['tag'])}{did_you_mean(str(context['tag']), tags)}"
    if kind == "union_tag_not_found":
        return f"found {show(detail['input'])}; allowed: a mapping with the field {context['discriminator']}"
    allowed = _ALLOWED[kind].format(**context) if kind in _ALLOWED else detail["msg"]
    return f"found {show(detail['input'])}; allowed: {allowed}"
