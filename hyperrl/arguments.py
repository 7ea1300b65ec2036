"""Checks of arguments: one line names the argument, what was found and what is allowed."""

from __future__ import annotations

import inspect
import math
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from numbers import Integral, Real
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from hyperrl.errors import UserError, check_known, nearest, user_syntax

P = ParamSpec("P")
T = TypeVar("T")
_LONGEST = 80


class ArgumentError(ValueError):
    """An argument, or an entry of one, that is not allowed.

    Attributes:
        path: name of the argument, then the keys or indices that lead to the entry.
        found: its value.
        allowed: what is allowed, in words.
        names: the names that are allowed, where it is one of several.
    """

    def __init__(
        self, path: tuple[str | int, ...], found: object, allowed: str, names: Sequence[str] = ()
    ) -> None:
        self.path, self.found, self.allowed, self.names = path, found, allowed, names
        where = f"{path[0]}{''.join(f'[{key!r}]' for key in path[1:])}"
        super().__init__(f"{where}: found {short_repr(found)};{self.hint} allowed: {allowed}")

    @property
    def hint(self) -> str:
        """A question such as " did you mean 'full'?", where an allowed name is close; else empty."""
        close = nearest(self.found, self.names) if isinstance(self.found, str) else None
        return f" did you mean {close!r}?" if close else ""


@dataclass(frozen=True)
class Constraint:
    """What the value of an argument may be.

    Args:
        allowed: the allowed values in words, as a message has them.
        holds: whether a value is allowed.
        names: the names that are allowed, where it is one of several.
    """

    allowed: str
    holds: Callable[[Any], bool]
    names: tuple[str, ...] = ()

    def check(self, argument: str | tuple[str | int, ...], value: Any) -> None:
        """Raise ArgumentError for a value that is not allowed.

        Args:
            argument: name of the argument, or the path to an entry of it.
            value: its value.
        """
        if not self.holds(value):
            path = (argument,) if isinstance(argument, str) else argument
            raise ArgumentError(path, value, self.allowed, self.names)

    def or_none(self) -> Constraint:
        """The same constraint, with None allowed too."""
        return Constraint(
            f"{self.allowed}, or None", lambda value: value is None or self.holds(value), self.names
        )


def check_arguments(constraints: Mapping[str, Constraint], arguments: Mapping[str, Any]) -> None:
    """Check arguments by name, those that have a constraint; ArgumentError for the first not allowed."""
    for name, constraint in constraints.items():
        if name in arguments:
            constraint.check(name, arguments[name])


def refuse_unknown(owner: str, names: Iterable[Any], known: Iterable[str]) -> None:
    """Raise ArgumentError for a name of an argument that `owner` does not take."""
    allowed = sorted(known)
    for name in names:
        if name not in allowed:
            raise ArgumentError((owner,), name, ", ".join(allowed), allowed)


def validate_arguments(constraints: Mapping[str, Constraint]) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Decorate a function so that it refuses wrong and unknown arguments in one line, a UserError, first.

    Args:
        constraints: by the arguments' names; arguments without one are not checked.
    """

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        signature = inspect.signature(function)

        @wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> T:
            check_known(function.__name__, "argument", kwargs, signature.parameters)
            arguments = signature.bind(*args, **kwargs).arguments
            try:
                check_arguments(
                    {name: constraints[name] for name in arguments if name in constraints}, arguments
                )
            except ArgumentError as error:
                name = str(error.path[0])
                message = str(error).removeprefix(name)
                raise UserError(user_syntax(name, f"--{name.replace('_', '-')}") + message) from None
            return function(*args, **kwargs)

        return call

    return decorate


def one_of(names: Iterable[str]) -> Constraint:
    """One of several names."""
    names = tuple(names)
    return Constraint(
        ", ".join(map(repr, names)), lambda value: isinstance(value, str) and value in names, names
    )


def integer(least: int, most: float = math.inf) -> Constraint:
    """A whole number, of an integer type, from `least` to `most`."""
    allowed = (
        f"a whole number, {least} or more" if most == math.inf else f"a whole number from {least} to {most:,}"
    )
    return Constraint(allowed, lambda value: _is_integer(value) and least <= value <= most)


def count(least: int, most: int) -> Constraint:
    """A whole number of any type from `least` to `most`: 1e5 counts as one, True does not."""
    return Constraint(
        f"a whole number from {least} to {most:,}",
        lambda value: is_number(value) and least <= value <= most and int(value) == value,
    )


def finite(least: float = -math.inf, below: float = math.inf, above: float = -math.inf) -> Constraint:
    """A finite number of at least `least`, above `above` and below `below`."""
    limits = [f"{least:g} or more"] if least > -math.inf else []
    limits += [f"above {above:g}"] if above > -math.inf else []
    limits += [f"below {below:g}"] if below < math.inf else []
    return Constraint(
        ", ".join(["a number", *limits]),
        lambda value: is_number(value) and math.isfinite(value) and least <= value < below and value > above,
    )


def is_instance(*types: type) -> Callable[[Any], bool]:
    """Whether a value is of one of some types, as a function."""
    return lambda value: isinstance(value, types)


def is_list_of(holds: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """Whether a value is a list of such values, as a function; text is no list of its letters."""
    return lambda value: _is_list(value) and all(map(holds, value))


def is_number(value: Any) -> bool:
    """Whether a value is a real number, and no truth value."""
    return isinstance(value, Real) and not isinstance(value, bool)


def _is_integer(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


FLAG = Constraint("True or False", is_instance(bool))
TEXT = Constraint("text", is_instance(str))
NAMES = Constraint("a list of texts", is_list_of(is_instance(str)))
MAPPING = Constraint(
    "a dictionary", lambda value: isinstance(value, Mapping) and all(isinstance(key, str) for key in value)
)
SIZES = Constraint("a list of whole numbers of at least 1, such as (64, 64)", is_list_of(integer(1).holds))
CONVOLUTIONS = Constraint(
    "(channels, kernel size, stride) of each convolution, all at least 1",
    is_list_of(lambda value: SIZES.holds(value) and len(value) == 3),
)
STEPS = count(1, 10**12)
SEED = count(0, 2**32 - 1)
EPISODES = count(1, 10**5)
KEEP = count(0, 10**6)
JOBS = count(1, 10**4)
UPDATES = count(1, 10**9)
POINTS = count(2, 10**4)
PARTICLES = count(50, 10**5)
TRANSITIONS = count(10, 10**6)
TRIALS = count(1, 10**6)
SEEDS = count(1, 1000)
WORST_BUDGET = count(100, 10**7)
UPDATES = count(1, 10**6)


def to_int(name: str, value: Any, allowed: Constraint) -> int:
    """A value as an int; UserError, which names the argument, where it is not allowed."""
    try:
        allowed.check(name, value)
    except ArgumentError as error:
        raise UserError(str(error)) from None
    return int(value)


def to_path(name: str, value: str | Path) -> Path:
    """A value as a path to write to; UserError where it is empty or holds control characters."""
    text = str(value)
    if not text or any(unicodedata.category(char) == "Cc" for char in text):
        raise UserError(f"{name}: found {text!r}; allowed: a path without line breaks and the like")
    return Path(value)


def short_repr(value: object) -> str:
    """A value as a message has it: in one line, cut after 80 characters; of a class its name."""
    text = value.__name__ if inspect.isclass(value) else " ".join(repr(value).split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
