"""Attributes of a base environment that carry features: that they are there, and of which type they are."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from numbers import Integral
from typing import Any

import gymnasium as gym
import numpy as np

from hyperrl.errors import UserError, did_you_mean
from hyperrl.tasks import paths
from hyperrl.tasks.contexts import Binding


def cast_like(found: Any) -> Callable[[float], Any]:
    """Return what makes a feature's value of the type that its attribute has.

    Whole numbers and truth values keep their type where the value is whole, arrays without an axis theirs;
    every other attribute is set to a float.
    """
    kind = type(found)
    if isinstance(found, (Integral, np.bool_)):
        return lambda value: kind(int(value)) if value.is_integer() else value
    if isinstance(found, np.ndarray):
        dtype = found.dtype
        return lambda value: np.array(value, dtype)
    return float


def check_attributes(base: gym.Env[Any, Any], binding: Binding) -> None:
    """Refuse features whose attribute the environment lacks, or holds something else in than a number.

    Raises:
        UserError: names the feature, the attribute, and the nearest attributes or what it holds.
    """
    feature_of = {attribute: name for name, attribute in binding.attribute.items()}
    for attribute in binding.touched:
        what = f"feature {feature_of[attribute]!r}" if attribute in feature_of else "a derived attribute"
        if paths.has(base, attribute):
            _check_number(f"{what} needs", attribute, paths.read(base, attribute))
            continue
        lacking = f"{what} needs an attribute {attribute!r}, which {type(base).__name__} lacks"
        if attribute in feature_of and _appears(base, attribute):
            raise UserError(f"{lacking} before a reset; allowed: 'at: start', which sets it after each")
        raise UserError(f"{lacking}{_nearest(base, attribute)}")


def _appears(base: gym.Env[Any, Any], attribute: str) -> bool:
    """Whether an environment has an attribute once it is reset."""
    with suppress(Exception):  # a base whose reset fails says nothing of the attribute
        base.reset(seed=0)
    return paths.has(base, attribute)


def _nearest(base: gym.Env[Any, Any], attribute: str) -> str:
    """The tail of a message: the names that are nearest to the first part of a path that leads nowhere."""
    here: Any = base
    for part in attribute.split("."):
        if not paths.has(here, part):
            return did_you_mean(part, _numbers(here))
        here = paths.read(here, part)
    return ""


def _numbers(holder: Any) -> list[str]:
    """Names of the numbers that a dictionary or an object holds."""
    if isinstance(holder, Mapping):
        found = {str(name): value for name, value in holder.items()}
    else:
        own, kind = getattr(holder, "__dict__", {}), type(holder)
        found = {**own, **{name: getattr(kind, name, None) for name in dir(kind) if name not in own}}
    return [name for name, value in found.items() if isinstance(value, (int, float)) and name[:1] != "_"]


def _check_number(needs: str, attribute: str, found: Any) -> None:
    """Refuse an attribute that holds several numbers, or something else that one cannot take the place of."""
    if isinstance(found, (str, bytes)) or callable(found):
        what = "text" if isinstance(found, (str, bytes)) else "a function"
        raise UserError(f"{needs} a number; {attribute!r} holds {what}")
    if isinstance(found, (Mapping, Sequence)) or (isinstance(found, np.ndarray) and found.ndim):
        keys = list(found) if isinstance(found, Mapping) else list(range(len(found)))
        some = ", ".join(f"{attribute}.{key}" for key in keys[:3])
        allowed = f"; allowed: one of its entries, {some}{', ...' if len(keys) > 3 else ''}" if keys else ""
        count = f"{len(keys)} {'entry' if len(keys) == 1 else 'entries'}"
        raise UserError(f"{needs} a number; {attribute!r} holds {count}{allowed}")
    if found is not None and not hasattr(type(found), "__float__"):
        raise UserError(f"{needs} a number; {attribute!r} holds an object of type {type(found).__name__}")
