"""A context: the values of a family's features that make one task."""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from hyperrl.arguments import is_number, short_repr
from hyperrl.errors import UserError, check_known, user_syntax
from hyperrl.recipes.feature import Feature

CONTEXT = "context"
"""The key of the descriptor in an observation, and of the context in infos and reset options."""


@dataclass(frozen=True, eq=False, repr=False)
class Context(Mapping[str, float]):
    """A value for every feature of a family, in its order. Frozen and hashable; equal contexts are one task.

    There is one rule of sameness, `Feature.key`: values are the same where they agree to nine significant
    digits, angles where they do so modulo a full turn. Nine digits, and not exact values, because the same
    task comes from decimals in files and options, from grids and from samples (0.1 + 0.2 is 0.3). The starts
    of evaluation episodes are drawn from the bits of `key`, which must therefore never change.

    Attributes:
        features: the family's, by name.
        raw: the values as they are set in the simulator.
    """

    features: Mapping[str, Feature]
    raw: Mapping[str, float]

    @classmethod
    def of(cls, features: Mapping[str, Feature], values: Mapping[str, float]) -> Self:
        """Make a context of values that are known to be valid; features left out take their defaults."""
        filled = {name: values.get(name, feature.default) for name, feature in features.items()}
        return cls(features, {name: features[name].canonical(value) for name, value in filled.items()})

    @classmethod
    def parse(cls, features: Mapping[str, Feature], values: Mapping[str, Any]) -> Self:
        """Make a context of any values; features left out take their defaults.

        Raises:
            UserError: an unknown feature, a value that is no finite number, or one that a descriptor cannot
                hold.
        """
        if isinstance(values, cls) and values.features is features:
            return values
        if not isinstance(values, Mapping):
            raise UserError(f"context: found {short_repr(values)}; allowed: a dictionary of features' values")
        check_known(user_syntax("context", "--context"), "feature", values, features)
        return cls.of(features, {name: _number(name, features[name], each) for name, each in values.items()})

    @cached_property
    def key(self) -> tuple[float, ...]:
        """`Feature.key` of every value: equal keys make equal contexts."""
        return tuple(self.features[name].key(value) for name, value in self.raw.items())

    @cached_property
    def outside(self) -> dict[str, tuple[float, float]]:
        """The features whose values lie outside their training ranges, with these ranges."""
        return {
            name: feature.train
            for name, feature in self.features.items()
            if not feature.within(self.raw[name], feature.train)
        }

    @property
    def inside(self) -> bool:
        """Whether every feature lies in its training range."""
        return not self.outside

    @property
    def unlisted(self) -> dict[str, tuple[float, ...]]:
        """The features whose value is none of their `values`, with these."""
        return {
            name: feature.values
            for name, feature in self.features.items()
            if feature.values and self.raw[name] not in feature.values
        }

    def agrees(self, partial: Mapping[str, float]) -> bool:
        """Whether it has the same values as `partial`, which may leave features out."""
        return all(self.features[name].key(value) == self._keys[name] for name, value in partial.items())

    @cached_property
    def _keys(self) -> dict[str, float]:
        return dict(zip(self.raw, self.key, strict=True))

    def __or__(self, values: Mapping[str, float]) -> "Context":
        """The context with other values of some features."""
        return Context.of(self.features, {**self.raw, **values})

    def __getitem__(self, name: str) -> float:
        return self.raw[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.raw)

    def __len__(self) -> int:
        return len(self.raw)

    def __eq__(self, other: object) -> bool:
        """Whether another context is the same task; any other mapping must have exactly the same values."""
        if isinstance(other, Context):
            return self.key == other.key and list(self.raw) == list(other.raw)
        return self.raw == other

    def __hash__(self) -> int:
        return hash(self.key)

    def __repr__(self) -> str:
        return f"Context({self.raw})"


def read_context(path: str | Path, where: str) -> dict[str, float]:
    """The context in a file that `hyperrl identify --out` wrote: a JSON object whose `context` is one.

    Args:
        path: the file.
        where: how messages begin, such as "--context '@estimate.json'".

    Raises:
        UserError: no such file, no JSON object, or no context of numbers in it.
    """
    try:
        content = json.loads(Path(path).read_bytes())
    except OSError as error:
        raise UserError(f"{where}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"{where}: found no JSON; allowed: a file of `hyperrl identify --out`") from error
    values = content.get(CONTEXT) if isinstance(content, dict) else None
    if not isinstance(values, dict) or not values:
        found = "no 'context'" if values is None else f"the context {short_repr(values)}"
        allowed = '"context": {"FEATURE": NUMBER}, as `hyperrl identify --out` writes it'
        raise UserError(f"{where}: found {found}; allowed: {allowed}")
    for name, value in values.items():
        if not is_number(value) or not math.isfinite(value):
            raise UserError(f"{where}: {name}: found {short_repr(value)}; allowed: a finite number")
    return {name: float(value) for name, value in values.items()}


def _number(name: str, feature: Feature, value: Any) -> float:
    """The value of a feature as a float; UserError where it has no descriptor."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise UserError(f"context: {name} is {value!r}; a finite number is needed")
    low, high = feature.train
    if not feature.is_encodable(number):
        raise UserError(
            f"context: {name} is {number:g}; too far from its training range {low:g} to {high:g}"
            " for networks in single precision"
        )
    values = feature.values or ()
    if feature.encoding == "categorical" and feature.canonical(number) not in values:
        known = ", ".join(f"{each:g}" for each in values)
        raise UserError(f"context: {name} is {number:g}; a categorical feature; its values: {known}")
    return number
