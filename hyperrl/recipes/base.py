"""The base class of recipes, and the types of their fields."""

import math
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from numbers import Integral, Real
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    ValidationError,
    model_validator,
)

from hyperrl.config import LARGEST, MAX_WIDTH
from hyperrl.errors import UserError, did_you_mean
from hyperrl.recipes.messages import FieldError, field_error

_DEEPEST = 10
_EXPONENT = re.compile(r"[-+]?\d{1,30}(\.\d{0,30})?[eE][-+]?\d{1,4}")


def matching(pattern: str, allowed: str) -> AfterValidator:
    """A validator of text that matches a regular expression as a whole; `allowed` says so in words."""
    compiled = re.compile(pattern, re.ASCII)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise FieldError(found=value, allowed=allowed)
        return value

    return AfterValidator(check)


def number(value: object, *, allowed: str = "a finite number") -> float:
    """The value as a float; text such as `1e-3` counts as one. Anything else raises FieldError."""
    if isinstance(value, str) and _EXPONENT.fullmatch(value):
        value = float(value)
    if isinstance(value, Real) and not isinstance(value, bool):
        with suppress(OverflowError):
            if math.isfinite(as_float := float(value)):
                return as_float
    raise FieldError(found=value, allowed=allowed)


def _whole(value: object) -> int:
    if isinstance(value, Integral) and not isinstance(value, bool):
        return int(value)
    with suppress(FieldError):
        if (as_float := number(value)).is_integer():
            return int(as_float)
    raise FieldError(found=value, allowed="a whole number")


def _text(value: str) -> str:
    if any(not (letter.isprintable() or letter == "\n") for letter in value):
        raise FieldError(found=value, allowed="text without control characters")
    return value


def _range(value: object) -> tuple[float, float]:
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != 2:
        raise FieldError(found=value, allowed="[low, high], two finite numbers with low < high")
    low, high = map(number, value)
    if not low < high:
        raise FieldError(found=value, allowed="low < high")
    return low, high


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


Number = Annotated[float, BeforeValidator(number)]
"""A finite float; `1e-3`, which YAML 1.1 reads as text, counts as one."""
Whole = Annotated[int, BeforeValidator(_whole)]
Flag = StrictBool
Text = Annotated[str, AfterValidator(_text)]
Name = Annotated[
    str,
    matching(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", "a name of at most 64 letters, digits, '-' and '_'"),
]
Attribute = Annotated[
    str,
    matching(r"(?!__)[A-Za-z_][A-Za-z0-9_]{0,99}", "the name of a Python attribute, not beginning with '__'"),
]
Range = Annotated[tuple[float, float], BeforeValidator(_range)]
"""(low, high): finite, low < high."""
Scalar = Annotated[bool | int | float | str, BeforeValidator(_scalar)]
Argument = Annotated[Any, BeforeValidator(argument)]
"""The value of a keyword argument of a constructor: a scalar, or lists and mappings of scalars."""
Count = Annotated[Whole, Field(gt=0, le=10**12)]
Width = Annotated[Whole, Field(gt=0, le=MAX_WIDTH)]
Envs = Annotated[Count, Field(le=65_536)]
Positive = Annotated[Number, Field(gt=0, le=LARGEST)]
NonNegative = Annotated[Number, Field(ge=0, le=LARGEST)]
Fraction = Annotated[Number, Field(ge=0, le=1)]
Rate = Annotated[Number, Field(gt=0, le=1)]


class RecipeError(UserError):
    """A recipe's field is wrong.

    Attributes:
        field: which, and what is wrong.
    """

    def __init__(self, source: str, field: FieldError) -> None:
        super().__init__(f"{source}: {field}")
        self.field = field


class Model(BaseModel):
    """Base of every recipe: frozen; refuses unknown fields and numbers that are not finite.

    The text below a field says what it is, as `hyperrl describe` prints it.
    Constructing one directly raises pydantic's ValidationError; `parse` turns that into a RecipeError.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @classmethod
    def parse(cls, data: object, source: str) -> Self:
        """Validate plain data.

        Args:
            data: a mapping as YAML or JSON gives it.
            source: where it came from (a file's path, `--set`), for the message.

        Raises:
            RecipeError: one line: source, field, what was found, what is allowed.
        """
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            raise RecipeError(source, field_error(error, data)) from None

    def require_one(self, *names: str) -> None:
        """Refuse none, or more than one, of some fields; raises FieldError."""
        present = [name for name in names if getattr(self, name) is not None]
        if len(present) != 1:
            raise FieldError(found=present, allowed=f"exactly one of {', '.join(names)}")

    def refusal(self, *path: str | int, allowed: str) -> FieldError:
        """The error of a validator that refuses the value at a path, beside the other fields."""
        value: Any = self
        for step in path:
            named = isinstance(step, str) and not isinstance(value, Mapping)
            value = getattr(value, str(step)) if named else value[step]
        return FieldError(path=path, found=value, allowed=allowed)

    @model_validator(mode="before")
    @classmethod
    def _only_known_fields(cls, data: Any) -> Any:
        if isinstance(data, BaseModel):
            return data
        fields = [field.alias or name for name, field in cls.model_fields.items()]
        if not isinstance(data, Mapping):
            raise FieldError(found=data, allowed=f"a mapping with fields of {', '.join(fields)}")
        for key in data:
            if key not in fields:
                known = did_you_mean(str(key), fields) or f"; known: {', '.join(fields)}"
                raise FieldError(path=(str(key),), reason=f"unknown field{known}", unknown=True)
        return dict(data)
