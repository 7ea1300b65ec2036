"""Values that a family's file hands to constructors: scalars, and lists and mappings of these."""

from typing import Annotated

from pydantic import BeforeValidator

from hyperrl.recipes.messages import FieldError

_DEEPEST = 10


def _scalar(value: object, allowed: str = "true, false, a finite number, text") -> object:
    if isinstance(value, (bool, str)):
        return value
    if isinstance(value, (int, float)) and abs(value) < float("inf"):
        return value
    raise FieldError(found=value, allowed=allowed)


def argument(value: object, depth: int = 0) -> object:
    """Validate the value of a keyword argument; FieldError where it is of no supported type."""
    if not isinstance(value, (list, dict)):
        return _scalar(value, "true, false, a finite number, text, lists and mappings of these")
    if len(value) > 1000:
        raise FieldError(found=value, allowed="at most 1000 of them")
    if depth == _DEEPEST:
        raise FieldError(found=value, allowed=f"lists and mappings at most {_DEEPEST} deep")
    if isinstance(value, list):
        return [argument(each, depth + 1) for each in value]
    for name in value:
        if not isinstance(name, str):
            raise FieldError(found=name, allowed="text as the name of an entry")
    return {name: argument(each, depth + 1) for name, each in value.items()}


Scalar = bool | int | float | str
ScalarArgument = Annotated[Scalar, BeforeValidator(_scalar)]
