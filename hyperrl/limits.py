"""What a user may give: ranges of whole numbers, paths, and the arguments of functions in Python."""

from __future__ import annotations

import inspect
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from numbers import Real
from pathlib import Path
from typing import Any, NamedTuple, ParamSpec, TypeVar

from hyperrl.errors import UserError, did_you_mean

P = ParamSpec("P")
T = TypeVar("T")
_SHOWN = 80


class Limits(NamedTuple):
    """Least and most, both allowed."""

    least: int
    most: int

    def hold(self, found: Any) -> bool:
        """Whether it is a whole number within the limits; 1e5 counts as one, True does not."""
        number = isinstance(found, Real) and not isinstance(found, bool)
        return number and self.least <= found <= self.most and int(found) == found

    def refusal(self, name: str, found: object) -> UserError:
        """What to raise where a number of that name was found to lie outside."""
        return UserError(
            f"{name}: found {shown(found)}; allowed: a whole number from {self.least} to {self.most:,}"
        )


STEPS = Limits(1, 10**12)
SEED = Limits(0, 2**32 - 1)
EPISODES = Limits(1, 10**5)
KEEP = Limits(0, 10**6)


def path_given(name: str, found: str | Path) -> Path:
    """`found` as a path to write to; UserError where it is empty or holds control characters."""
    text = str(found)
    if not text or any(unicodedata.category(char) == "Cc" for char in text):
        raise UserError(f"{name}: found {text!r}; allowed: a path without line breaks and the like")
    return Path(found)


def whole(name: str, found: Any, limits: Limits) -> int:
    """`found` as an int; UserError, by that name, where it is no whole number within the limits."""
    if limits.hold(found):
        return int(found)
    raise limits.refusal(name, found)


class Kind(NamedTuple):
    """What an argument may be.

    Attributes:
        allowed: how a message says it.
        holds: whether a value is that.
    """

    allowed: str
    holds: Callable[[Any], bool]


def is_a(*types: type) -> Callable[[Any], bool]:
    """Whether a value is of one of some types."""
    return lambda found: isinstance(found, types)


def list_of(holds: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """Whether a value is a list of such things; text is not taken for a list of its letters."""
    return lambda found: isinstance(found, Sequence) and not isinstance(found, str) and all(map(holds, found))


FLAG = Kind("True or False", is_a(bool))
TEXT = Kind("text", is_a(str))
NAMES = Kind("a list of texts", list_of(is_a(str)))
MAPPING = Kind(
    "a dictionary", lambda found: isinstance(found, Mapping) and all(isinstance(key, str) for key in found)
)


def checked_by(kinds: Mapping[str, Kind]) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Makes a function refuse wrong and unknown arguments in one line, a UserError, before it does anything.

    Args:
        kinds: by the arguments' names; those that are left out are not checked.
    """

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        signature = inspect.signature(function)

        @wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> T:
            for name in kwargs:
                if name not in signature.parameters:
                    near = did_you_mean(name, signature.parameters)
                    raise UserError(f"{function.__name__}: unknown argument {name!r}{near}")
            for name, value in signature.bind(*args, **kwargs).arguments.items():
                if name in kinds and not kinds[name].holds(value):
                    raise UserError(f"{name}: found {shown(value)}; allowed: {kinds[name].allowed}")
            return function(*args, **kwargs)

        return call

    return decorate


def shown(found: Any) -> str:
    """A value as a message shows it, in one line and cut where it is long."""
    text = " ".join(repr(found).split())
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
