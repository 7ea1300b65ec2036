"""Attributes of a base environment that carry features: that they are there, and of which type they are."""

from collections.abc import Callable, Mapping, Sequence
from numbers import Integral
from typing import Any

import gymnasium as gym
import numpy as np

from hyperrl.errors import UserError, nearest
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
        numbers = [
            name for name, value in vars(base).items() if isinstance(value, (int, float)) and name[0] != "_"
        ]
        numbers += [
            name for name in dir(type(base)) if isinstance(getattr(type(base), name, None), (int, float))
        ]
        raise UserError(
            f"{what} needs an attribute {attribute!r}, which {type(base).__name__} lacks"
            f"{nearest(attribute, [name for name in numbers if name[0] != '_'])}"
        )


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
