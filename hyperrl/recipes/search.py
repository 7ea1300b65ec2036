"""The search space of an agent: the fields that `hyperrl tune` varies, and the values that it tries."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Discriminator, Field, Tag, ValidationError, model_validator

from hyperrl.recipes.base import Flag, Model, Number, Positive, argument
from hyperrl.recipes.fields import set_field
from hyperrl.recipes.messages import FieldError, field_error, show

SEARCHABLE = (
    "algorithm",
    "policy",
    "normalize",
    "n_envs",
    "wrappers",
    "frame_stack",
    "sampler",
    "curriculum",
)
"""The fields, and groups of fields, that a search may vary: those that decide what is learned."""


class Span(Model):
    """A range of numbers, its ends included."""

    low: Number
    """the least value"""
    high: Number
    """the largest value"""
    log: Flag = False
    """whether the logarithm is searched evenly, and not the number itself"""
    step: Positive | None = None
    """distance of the values from one another, counted from low; none: any number, or any whole one"""

    @model_validator(mode="after")
    def _ends_and_scale_fit(self) -> Self:
        if not self.low < self.high:
            raise self.refusal("low", allowed=f"less than high, {self.high:g}")
        if self.log and self.low <= 0:
            raise self.refusal("low", allowed="a number > 0 where log is true")
        if self.log and self.step is not None:
            raise self.refusal("step", allowed="none where log is true")
        if self.step is not None and self.step > self.high - self.low:
            raise self.refusal("step", allowed=f"at most high - low, {self.high - self.low:g}")
        return self

    def __str__(self) -> str:
        """In words: `1e-05 to 0.01, log`."""
        step = "" if self.step is None else f" in steps of {self.step:g}"
        return f"{self.low:g} to {self.high:g}{step}{', log' * self.log}"


def _choice(value: object) -> object:
    return None if value is None else argument(list(value) if isinstance(value, tuple) else value)


def _are_different(values: tuple[Any, ...]) -> tuple[Any, ...]:
    for index, value in enumerate(values):
        if show(value) in map(show, values[:index]):
            raise FieldError(path=(index,), found=value, allowed="each value once")
    return values


class Categorical(Model):
    """Values, none of which is between two others."""

    choices: Annotated[
        tuple[Annotated[Any, BeforeValidator(_choice)], ...], Field(min_length=2, max_length=1000)
    ]
    """the values"""

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        try:
            _are_different(self.choices)
        except FieldError as error:
            raise FieldError(path=("choices", *error.path), reason=error.reason) from None
        return self

    def __str__(self) -> str:
        """In words: `64, 128, 256`."""
        return ", ".join(map(show, self.choices))


def _form(value: Any) -> str | None:
    if isinstance(value, Categorical) or (isinstance(value, Mapping) and "choices" in value):
        return "of values"
    return "of numbers" if isinstance(value, (Mapping, Span)) else None


Values = Annotated[
    Annotated[Span, Tag("of numbers")] | Annotated[Categorical, Tag("of values")],
    Discriminator(
        _form,
        custom_error_type="search",
        custom_error_message="{low: 1e-5, high: 1e-2, log: true}, or {choices: [1, 2]}",
    ),
]
Space = dict[str, Values]
"""By dotted names of an agent's fields, the values that are tried."""


@dataclass(frozen=True)
class Dimension:
    """A field that is searched, as it is for one agent.

    Attributes:
        name: the field's dotted name.
        values: what is tried.
        own: the agent's own value, one of these.
        whole: whether the field takes whole numbers alone.
    """

    name: str
    values: Span | Categorical
    own: Any
    whole: bool


def check_space(space: Mapping[str, Span | Categorical], recipe: Model) -> None:
    """Check that an agent takes each value of its space, all else equal; of ranges, both ends.

    Raises:
        FieldError: a field that is unknown or not searched, or a value that the field does not take. Its path
            begins with `search`.
    """
    for name, values in space.items():
        _check_values(name, values, recipe)


def dimensions(space: Mapping[str, Span | Categorical], recipe: Model) -> tuple[Dimension, ...]:
    """A space as it is for an agent: it grows to hold the agent's own values.

    Args:
        space: the values, by fields.
        recipe: the agent, with all that was chosen for it.

    Raises:
        FieldError: as `check_space`; or a range of a field whose own value is no number, is not above 0 where
            logarithms are searched, or is between two steps.
    """
    return tuple(_dimension(name, values, recipe) for name, values in space.items())


def fitting(space: Mapping[str, Mapping[str, Any]], recipe: Model) -> dict[str, Span | Categorical]:
    """Of a space for many agents the part that fits one of them, and holds its own values.

    Args:
        space: values by fields, as an agent's file would have them.
        recipe: the agent.
    """
    found: dict[str, Span | Categorical] = {}
    for name, data in space.items():
        values = Categorical(**data) if "choices" in data else Span(**data)
        with suppress(FieldError):
            _dimension(name, values, recipe)
            found[name] = values
    return found


def _dimension(name: str, values: Span | Categorical, recipe: Model) -> Dimension:
    taken = _check_values(name, values, recipe)
    own = _value(recipe.model_dump(exclude={"search"}), name)
    if isinstance(values, Categorical):
        same = (
            choice for choice, value in zip(values.choices, taken, strict=True) if show(value) == show(own)
        )
        written = next(same, _choice(own))
        if written not in values.choices:
            values = Categorical(choices=(written, *values.choices))
        return Dimension(name, values, written, whole=False)
    where = ("search", name)
    if isinstance(own, bool) or not isinstance(own, (int, float)):
        reason = (
            f"found a range, but {show(own)} in the recipe itself; allowed: choices, with that among them"
        )
        raise FieldError(path=where, reason=reason)
    if values.log and own <= 0:
        reason = (
            f"found a range of logarithms, but {show(own)} in the recipe itself; allowed: log false, choices"
        )
        raise FieldError(path=where, reason=reason)
    if values.step is not None and abs((steps := (own - values.low) / values.step) - round(steps)) > 1e-9:
        reason = f"found {show(own)} in the recipe itself, between two steps; allowed: steps that meet it"
        raise FieldError(path=(*where, "step"), reason=reason)
    ends = {"low": min(values.low, own), "high": max(values.high, own)}
    return Dimension(name, values.model_copy(update=ends), own, whole=_are_whole(taken))


def _check_values(name: str, values: Span | Categorical, recipe: Model) -> list[Any]:
    """Check each value, or both ends of a range; returns what the recipe makes of them."""
    group = name.partition(".")[0]
    if group in type(recipe).model_fields and group not in SEARCHABLE:
        raise FieldError(path=("search",), found=name, allowed=f"fields of {', '.join(SEARCHABLE)}")
    taken = [_taken(name, place, value, recipe) for place, value in _places(values)]
    if isinstance(values, Categorical):
        return taken
    if not all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in taken):
        reason = "found a range; allowed: choices, as the field takes more than numbers"
        raise FieldError(path=("search", name), reason=reason)
    if values.step is not None and _are_whole(taken) and not values.step.is_integer():
        allowed = "a whole number, as the field's values are"
        raise FieldError(path=("search", name, "step"), found=values.step, allowed=allowed)
    return taken


def _are_whole(values: list[Any]) -> bool:
    return all(isinstance(value, int) for value in values)


def _places(values: Span | Categorical) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """The values to check, and where in the space each of them is."""
    if isinstance(values, Categorical):
        yield from ((("choices", index), value) for index, value in enumerate(values.choices))
    else:
        yield from ((("low",), values.low), (("high",), values.high))


def _taken(name: str, place: tuple[str | int, ...], value: Any, recipe: Model) -> Any:
    """What the recipe makes of a value in a field; FieldError where it takes none."""
    data = recipe.model_dump(exclude={"search"})
    try:
        set_field(data, name, value)
        return _value(type(recipe).model_validate(data).model_dump(exclude={"search"}), name)
    except FieldError as error:
        raise FieldError(path=("search", name), reason=error.reason) from None
    except ValidationError as error:
        raise _refusal(name, place, value, field_error(error, data)) from None


def _refusal(name: str, place: tuple[str | int, ...], value: Any, field: FieldError) -> FieldError:
    """What an error of the recipe with a value in a field says about the space."""
    steps, path = tuple(name.split(".")), tuple(map(str, field.path))
    if field.unknown:
        return FieldError(path=("search", *path), reason=field.reason, unknown=True)
    if path[: len(steps)] == steps:
        return FieldError(path=("search", name, *place, *path[len(steps) :]), reason=field.reason)
    return FieldError(path=("search", name, *place), reason=f"found {show(value)}, with which {field}")


def _value(data: Any, name: str) -> Any:
    """The value of a field in a recipe's data; FieldError where it has no such field."""
    for step in name.split("."):
        if not isinstance(data, Mapping) or step not in data:
            raise FieldError(path=(step,), reason="unknown field", unknown=True)
        data = data[step]
    return data
