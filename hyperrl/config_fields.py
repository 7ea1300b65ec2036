"""Fields of configurations: their defaults, and what they may be."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, NoReturn, Self

from hyperrl.arguments import MAPPING, ArgumentError, Constraint, refuse_unknown


def option(default: Any, constraint: Constraint, *, in_file: bool = True) -> Any:
    """A field of a configuration.

    Args:
        default: its default.
        constraint: what it may be.
        in_file: whether an agent's file may have it.
    """
    return field(default=default, metadata={"constraint": constraint, "exclude": not in_file})


@dataclass(frozen=True)
class Config:
    """Base of configurations: every field is checked, lists become tuples.

    Raises:
        ArgumentError: a field that is not allowed, or fields that do not go together.
    """

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            each.metadata["constraint"].check(each.name, value)
            if isinstance(value, list):
                object.__setattr__(self, each.name, tuple(value))

    def refuse(self, name: str, allowed: str) -> NoReturn:
        """Raise ArgumentError for the field of that name."""
        raise ArgumentError((name,), getattr(self, name), allowed)

    @classmethod
    def nested(cls, name: str, value: Any) -> Self:
        """The configuration that a field of another one holds, or a mapping of its fields does.

        Args:
            name: of that field.
            value: what it holds.

        Raises:
            ArgumentError: with the path from that field on.
        """
        if isinstance(value, cls):
            return value
        refuse_unknown(name, value, [each.name for each in fields(cls)])
        try:
            return cls(**value)
        except ArgumentError as error:
            raise ArgumentError((name, *error.path), error.found, error.allowed) from None


def nested(kind: type[Config], example: str) -> Constraint:
    """What a field may be that holds a configuration, or a mapping of its fields."""
    return Constraint(example, lambda value: isinstance(value, kind) or MAPPING.holds(value))
