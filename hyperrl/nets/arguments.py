"""Checks of arguments: one clear ValueError that names the argument, what was found and what is allowed."""

import difflib
import inspect
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import torch
from torch import nn

_SHOWN = 80


@dataclass(frozen=True)
class Kind:
    """What an argument may be.

    Args:
        allowed: How a message says it.
        holds: Whether a value is of the kind.
        names: The names that are allowed, where it is one of some.
    """

    allowed: str
    holds: Callable[[Any], bool]
    names: tuple[str, ...] = ()

    def check(self, name: str, found: Any) -> None:
        """ValueError, by that name, for a value that is not of the kind."""
        if not self.holds(found):
            raise ValueError(
                f"{name}: found {shown(found)};{meant(found, self.names)} allowed: {self.allowed}"
            )

    def or_none(self) -> "Kind":
        """The kind, or None."""
        return Kind(f"{self.allowed}, or None", lambda found: found is None or self.holds(found), self.names)


def check(kinds: Mapping[str, Kind], given: Mapping[str, Any]) -> None:
    """Checks arguments by name against a table of kinds; ValueError for the first that is not of its kind."""
    for name, kind in kinds.items():
        if name in given:
            kind.check(name, given[name])


def one_of(allowed: Iterable[str]) -> Kind:
    """One of some names."""
    names = tuple(allowed)
    text = ", ".join(map(repr, names))
    return Kind(text, lambda found: isinstance(found, str) and found in names, names)


def known(where: str, given: Iterable[Any], names: Iterable[str]) -> None:
    """ValueError for a key or an argument whose name is none of those that are known."""
    allowed = sorted(names)
    for name in given:
        if name not in allowed:
            raise ValueError(f"{where}: found {name!r};{meant(name, allowed)} allowed: {', '.join(allowed)}")


def meant(found: Any, names: Sequence[str]) -> str:
    """The part of a message that asks for the name that may have been meant; empty where none is near."""
    near = difflib.get_close_matches(found[:100], names, n=1) if isinstance(found, str) else []
    return f" did you mean {near[0]!r}?" if near else ""


def shown(found: Any) -> str:
    """A value as a message shows it, cut where it is long."""
    text = found.__name__ if inspect.isclass(found) else " ".join(repr(found).split())
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def whole(least: int) -> Kind:
    """Whole numbers from a least one."""
    return Kind(f"a whole number, {least} or more", lambda found: _is_whole(found) and found >= least)


Number = float | int


def real(least: Number = -math.inf, below: Number = math.inf, above: Number = -math.inf) -> Kind:
    """Finite numbers, of at least `least`, above `above` and below `below`."""
    limits = [f"{least:g} or more"] if least > -math.inf else []
    limits += [f"above {above:g}"] if above > -math.inf else []
    limits += [f"below {below:g}"] if below < math.inf else []

    def holds(found: Any) -> bool:
        real = isinstance(found, Real) and not isinstance(found, bool) and math.isfinite(found)
        return real and least <= found < below and found > above

    return Kind(", ".join(["a number", *limits]), holds)


def _is_whole(found: Any) -> bool:
    return isinstance(found, Integral) and not isinstance(found, bool)


def _is_sequence(found: Any) -> bool:
    return isinstance(found, Sequence) and not isinstance(found, str | bytes)


def _is_sizes(found: Any) -> bool:
    return _is_sequence(found) and all(_is_whole(size) and size >= 1 for size in found)


def _makes_module(found: Any) -> bool:
    """Whether a call without arguments gives a module; random generators stay as they are."""
    if isinstance(found, nn.Module) or not callable(found):
        return False
    with torch.random.fork_rng(devices=[]):
        try:
            return isinstance(found(), nn.Module)
        except TypeError:
            return False


def _is_range(found: Any) -> bool:
    pair = _is_sequence(found) and len(found) == 2
    return pair and all(hasattr(bound, "__array__") or real().holds(bound) for bound in found)


def _is_convolutions(found: Any) -> bool:
    return _is_sequence(found) and all(_is_sizes(one) and len(one) == 3 for one in found)


FLAG = Kind("True or False", lambda found: isinstance(found, bool))
SIZES = Kind("a list of whole numbers of at least 1, such as (64, 64)", _is_sizes)
NAMES = Kind(
    "a list of names", lambda found: _is_sequence(found) and all(isinstance(one, str) for one in found)
)
MAPPING = Kind(
    "a dictionary", lambda found: isinstance(found, Mapping) and all(isinstance(key, str) for key in found)
)
ACTIVATION = Kind("a class of torch.nn's, such as torch.nn.Tanh", _makes_module)
RANGE = Kind("two numbers, or two tensors with a number for each column", _is_range)
CONVOLUTIONS = Kind("(channels, kernel size, stride) of each convolution, all at least 1", _is_convolutions)
