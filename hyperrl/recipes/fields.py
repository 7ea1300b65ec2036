"""Fields of a recipe's plain data by their dotted names, such as `algorithm.learning_rate`."""

from collections.abc import Iterator, Mapping
from typing import Any

from hyperrl.recipes.messages import FieldError, show


def dotted_fields(data: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """All fields of a recipe's data by their dotted names, groups of fields included."""
    for name, value in data.items():
        yield prefix + name, value
        if isinstance(value, Mapping):
            yield from dotted_fields(value, f"{prefix}{name}.")


def set_field(data: dict[str, Any], name: str, value: Any) -> None:
    """Set a field by its dotted name; groups that are missing are added.

    Raises:
        FieldError: what should be a group is a value.
    """
    *groups, last = name.split(".")
    group = data
    for depth, field in enumerate(groups, start=1):
        inner = group.setdefault(field, {})
        if not isinstance(inner, dict):
            where = ".".join(groups[:depth])
            reason = f"found {show(inner)}, which has no fields; allowed: {where}=value"
            raise FieldError(path=groups[:depth], reason=reason)
        group = inner
    group[last] = value


def covers(name: str, other: str) -> bool:
    """Whether one of two dotted names is the other, or a group that the other lies in."""
    return f"{name}.".startswith(f"{other}.") or f"{other}.".startswith(f"{name}.")
