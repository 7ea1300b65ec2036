"""Attributes of an environment, and what lies within: `power`, `config.lanes_count`, `goal.0`, `goal.-1`."""

from collections.abc import Mapping
from itertools import accumulate
from typing import Any


def read(root: Any, path: str) -> Any:
    """Follow a path through attributes, keys and indices.

    Raises:
        LookupError: something on the way is missing.
    """
    here = root
    for part in path.split("."):
        here = _within(here, part)
    return here


def write(root: Any, path: str, value: Any) -> None:
    """Set what a path leads to; of a tuple, which cannot be changed, the whole is replaced.

    Raises:
        LookupError: as `read`, or what the environment raises.
    """
    parent, _, last = path.rpartition(".")
    holder = read(root, parent) if parent else root
    _within(holder, last)
    if isinstance(holder, tuple) and _is_index(last):
        changed = list(holder)
        changed[int(last)] = value
        write(root, parent, holder._make(changed) if hasattr(holder, "_make") else tuple(changed))
        return
    indexed = _is_index(last) or not hasattr(holder, last)
    if isinstance(holder, Mapping) or (indexed and hasattr(holder, "__setitem__")):
        holder[_key(holder, last)] = value
    else:
        setattr(holder, last, value)


def has(root: Any, path: str) -> bool:
    """Whether a path leads anywhere."""
    try:
        read(root, path)
    except LookupError:
        return False
    return True


def in_dictionaries(root: Any, path: str) -> bool:
    """Whether a path is an attribute's name, or leads on from one through dictionaries alone."""
    parents = accumulate(path.split(".")[:-1], "{}.{}".format)
    return all(isinstance(read(root, parent), Mapping) for parent in parents)


def _is_index(part: str) -> bool:
    return part.removeprefix("-").isdigit()


def _key(holder: Any, part: str) -> Any:
    own = part in holder if isinstance(holder, Mapping) else not _is_index(part)
    return part if own else int(part)


def _within(here: Any, part: str) -> Any:
    if isinstance(here, Mapping) or _is_index(part):
        try:
            return here[_key(here, part)]
        except (KeyError, IndexError, TypeError, ValueError):
            raise LookupError(part) from None
    try:
        return getattr(here, part)
    except AttributeError:
        if not hasattr(here, "__getitem__"):
            raise LookupError(part) from None
    try:
        return here[part]  # of rows that have names, as dm_control's
    except (KeyError, IndexError, TypeError, ValueError):
        raise LookupError(part) from None
