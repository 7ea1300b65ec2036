"""Ranges of the whole numbers that a user gives, on the command line and in Python alike."""

from __future__ import annotations

import unicodedata
from numbers import Real
from pathlib import Path
from typing import Any, NamedTuple

from hyperrl.errors import UserError


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
        shown = repr(found) if len(repr(found)) <= 80 else f"{repr(found)[:79]}…"
        return UserError(f"{name}: found {shown}; allowed: a whole number from {self.least} to {self.most:,}")


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
