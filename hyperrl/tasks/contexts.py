"""Contexts: as written, as arrays, as descriptors for networks, and as attributes of a simulator."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from hyperrl.errors import UserError, nearest

if TYPE_CHECKING:
    from hyperrl.recipes import Derived, Feature

Context = dict[str, float]


_LARGEST = float(np.finfo(np.float32).max)


def assignment(context: Mapping[str, float], digits: int = 6) -> str:
    """A context as the command line takes it, "gravity=9.8,length=0.5", to so many significant digits."""
    return ",".join(f"{name}={value:.{digits}g}" for name, value in context.items())


class ContextSpace:
    """The features of a family.

    Attributes:
        names: the features, in the recipe's order.
        default: the context of defaults.
        descriptor_names: one per entry of a descriptor; an angle has two, its cosine and its sine.
        descriptor_dim: their number, D.
        box: space of descriptors, float32, bounded by the widest declared range.
    """

    def __init__(self, features: Mapping[str, "Feature"]) -> None:
        """Take validated features; raises UserError where there are none."""
        if not features:
            raise UserError("a family needs at least one feature; found none")
        self.features = dict(features)
        self.names = tuple(self.features)
        self.default: Context = {name: float(feature.default) for name, feature in self.features.items()}
        self.descriptor_names = tuple(
            part
            for name, feature in self.features.items()
            for part in ((f"{name}.cos", f"{name}.sin") if feature.encoding == "circle" else (name,))
        )
        self.descriptor_dim = len(self.descriptor_names)
        self._linear = [index for index, name in enumerate(self.names) if not self._circle(name)]
        trained = np.array([self.features[name].train for name in self.names])
        self._low, self._high = trained[:, 0], trained[:, 1]
        widest = np.array([self.widest(name) for name in self.names])
        for name in self.names:
            for bound in self.widest(name):
                self._refuse_immense(name, bound)
        low, high = self.encode(widest[:, 0][None])[0], self.encode(widest[:, 1][None])[0]
        for index, part in enumerate(self.descriptor_names):
            if part not in self.features:
                low[index], high[index] = -1.0, 1.0
        self.box = gym.spaces.Box(low, high, dtype=np.float32)

    def _circle(self, name: str) -> bool:
        return self.features[name].encoding == "circle"

    def widest(self, name: str) -> tuple[float, float]:
        """Return the widest declared range of a feature."""
        feature = self.features[name]
        return feature.extrapolation or feature.train

    def complete(self, partial: Mapping[str, float]) -> Context:
        """Fill in defaults.

        Raises:
            UserError: an unknown feature, a value that is no finite number, or one that a descriptor cannot
                hold.
        """
        context = dict(self.default)
        for name, value in partial.items():
            if name not in context:
                raise UserError(f"context: unknown feature {name!r}{nearest(str(name), self.names)}")
            try:
                number = float(value)
            except (TypeError, ValueError):
                number = math.nan
            if not math.isfinite(number):
                raise UserError(f"context: {name} is {value!r}; a finite number is needed")
            self._refuse_immense(name, number)
            context[name] = number
        return context

    def _refuse_immense(self, name: str, value: float) -> None:
        """UserError where the descriptor, in single precision, has no number for a value."""
        low, high = self.features[name].train
        if not self._circle(name) and not abs(2.0 * (value - low) / (high - low) - 1.0) <= _LARGEST:
            raise UserError(
                f"context: {name} is {value:g}; too far from its training range {low:g} to {high:g}"
                " for networks in single precision"
            )

    def values(self, contexts: Sequence[Mapping[str, float]]) -> NDArray[np.float64]:
        """Contexts as an array (N, F) in the order of `names`, completed; raises as `complete`."""
        rows = [list(self.complete(context).values()) for context in contexts]
        return np.array(rows, np.float64).reshape(len(rows), len(self.names))

    def contexts(self, values: NDArray[np.float64]) -> list[Context]:
        """Inverse of `values`, which has shape (N, F)."""
        return [dict(zip(self.names, map(float, row), strict=True)) for row in values]

    def encode(self, values: NDArray[np.float64]) -> NDArray[np.float32]:
        """Encode raw values (N, F) as descriptors (N, D): training range to [-1, 1], angle to (cos, sin)."""
        scaled: NDArray[np.float64] = 2.0 * (values - self._low) / (self._high - self._low) - 1.0
        if len(self._linear) == len(self.names):
            return scaled.astype(np.float32)
        columns: list[NDArray[np.float64]] = []
        for index, name in enumerate(self.names):
            if self._circle(name):
                columns += [np.cos(values[:, index]), np.sin(values[:, index])]
            else:
                columns.append(scaled[:, index])
        return np.stack(columns, axis=1).astype(np.float32)

    def inside(self, context: Mapping[str, float]) -> bool:
        """Whether every feature lies in its training range; an angle counts modulo 2 pi."""
        return all(
            self._within(name, value, self.features[name].train)
            for name, value in self.complete(context).items()
        )

    def _within(self, name: str, value: float, bounds: tuple[float, float]) -> bool:
        low, high = bounds
        if self._circle(name):
            value = low + (value - low) % (2 * math.pi)
        return low <= value <= high

    def key(self, context: Mapping[str, float]) -> tuple[float, ...]:
        """Hashable identity of a task: values to 9 digits, an angle modulo 2 pi."""
        complete = self.complete(context)
        turned = (
            complete[name] % (2 * math.pi) if self._circle(name) else complete[name] for name in self.names
        )
        return tuple(float(f"{value:.9g}") + 0.0 for value in turned)


class Binding:
    """How a context reaches the simulator: attributes that it sets, others recomputed after each change."""

    def __init__(self, features: Mapping[str, "Feature"], derived: Mapping[str, "Derived"]) -> None:
        """Take a recipe's features and derived attributes."""
        self.attribute = {name: feature.attribute or name for name, feature in features.items()}
        self.derived = dict(derived)

    @property
    def written(self) -> tuple[str, ...]:
        """Attributes that a change of task writes."""
        return (*self.attribute.values(), *self.derived)

    @property
    def touched(self) -> tuple[str, ...]:
        """Attributes that a change of task writes or reads."""
        sources = (source for rule in self.derived.values() for source in (rule.sum or rule.product or ()))
        return tuple(dict.fromkeys((*self.written, *sources)))

    def attributes(self, context: Mapping[str, float], read: Callable[[str], float]) -> dict[str, float]:
        """Attribute values of a complete context, derived ones last.

        Args:
            context: every feature's value.
            read: gives the present value of an attribute that no feature sets (a derived one may need it).
        """
        values = {attribute: float(context[name]) for name, attribute in self.attribute.items()}
        for target, rule in self.derived.items():
            terms = [
                values[name] if name in values else float(read(name))
                for name in (rule.sum or rule.product or ())
            ]
            values[target] = float(sum(terms)) if rule.sum else float(math.prod(terms))
        return values
