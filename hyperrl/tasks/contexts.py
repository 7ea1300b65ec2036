"""Contexts as text, as arrays, and as the descriptors that networks see."""

from collections.abc import Mapping, Sequence
from itertools import chain, product
from typing import Any, NamedTuple

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from hyperrl.errors import UserError
from hyperrl.recipes import Context, Feature


def assignment(context: Mapping[str, float], digits: int = 6) -> str:
    """A context as text, as the command line takes it: "gravity=9.8,length=0.5", to `digits` digits."""
    return ",".join(f"{name}={value:.{digits}g}" for name, value in context.items())


def _entries(name: str, feature: Feature) -> tuple[str, ...]:
    """Names of a feature's entries of a descriptor."""
    if feature.encoding == "circle":
        return f"{name}.cos", f"{name}.sin"
    if feature.encoding == "categorical":
        return tuple(f"{name}={value:g}" for value in feature.values or ())
    return (name,)


class ValueReader(NamedTuple):
    """Reads the value of one feature from descriptors, to single precision.

    Attributes:
        entries: the feature's entries of a descriptor.
        factors: on each of them.
        offset: added to the sum.
    """

    entries: tuple[int, ...]
    factors: tuple[float, ...]
    offset: float

    def __call__(self, descriptors: Any) -> Any:
        """The values (...,) in descriptors (..., D), arrays or tensors; NaN where the feature is missing."""
        parts = zip(self.entries, self.factors, strict=True)
        return sum(descriptors[..., entry] * factor for entry, factor in parts) + self.offset


class ContextSpace:
    """The features of a family: makes contexts of values, and descriptors of contexts.

    Attributes:
        names: the features, in the recipe's order.
        default: the context of defaults.
        descriptor_names: one per entry of a descriptor; an angle has two, its cosine and its sine, a
            categorical feature one for each of its values.
        descriptor_dim: their number, D.
        owners: for each entry of a descriptor the feature, by its place in `names`.
        box: space of descriptors, float32, bounded by the widest declared range.
    """

    def __init__(self, features: Mapping[str, Feature]) -> None:
        """Take validated features; raises UserError where there are none."""
        if not features:
            raise UserError("a family needs at least one feature; found none")
        self.features = dict(features)
        self.names = tuple(self.features)
        self.default = Context.of(self.features, {})
        entries = [_entries(name, feature) for name, feature in self.features.items()]
        self.descriptor_names = tuple(chain(*entries))
        self.descriptor_dim = len(self.descriptor_names)
        self.owners = tuple(index for index, names in enumerate(entries) for _ in names)
        self._all_linear = all(feature.encoding == "linear" for feature in self.features.values())
        self._low, self._high = np.array([feature.train for feature in self.features.values()]).T
        widest = np.array([feature.widest for feature in self.features.values()])
        scaled = self._scaled(widest.T).astype(np.float32)
        low, high = np.zeros((2, self.descriptor_dim), np.float32)
        for index, owner in enumerate(self.owners):
            encoding = self.features[self.names[owner]].encoding
            bounds = {"circle": (-1.0, 1.0), "categorical": (0.0, 1.0)}
            low[index], high[index] = bounds.get(encoding) or scaled[:, owner].tolist()
        self.box = gym.spaces.Box(low, high, dtype=np.float32)

    def _scaled(self, values: NDArray[np.float64], features: Any = slice(None)) -> NDArray[np.float64]:
        """Values of some features, (N, features), with the training ranges at [-1, 1]."""
        low, high = self._low[features], self._high[features]
        scaled: NDArray[np.float64] = 2.0 * (values - low) / (high - low) - 1.0
        return scaled

    def complete(self, values: Mapping[str, float]) -> Context:
        """The context of some values; features left out take their defaults. Raises as `Context.parse`."""
        return Context.parse(self.features, values)

    def values(self, contexts: Sequence[Mapping[str, float]]) -> NDArray[np.float64]:
        """Contexts as an array (N, F) in the order of `names`, completed; raises as `complete`."""
        rows = [list(self.complete(context).raw.values()) for context in contexts]
        return np.array(rows, np.float64).reshape(len(rows), len(self.names))

    def contexts(self, values: NDArray[np.float64]) -> list[Context]:
        """Inverse of `values`, which has shape (N, F)."""
        rows = values.tolist()
        return [Context.of(self.features, dict(zip(self.names, row, strict=True))) for row in rows]

    def grid(self, axes: Mapping[str, Sequence[float]]) -> list[Context]:
        """Every combination of some features' values, in order; the others take their defaults."""
        return [self.complete(dict(zip(axes, point, strict=True))) for point in product(*axes.values())]

    def descriptors(self, contexts: Sequence[Mapping[str, float]]) -> NDArray[np.float32]:
        """What networks see of contexts, (N, D); raises as `complete`.

        A training range becomes [-1, 1], an angle (cos, sin), a category 1 in its place and 0 elsewhere.
        """
        values = self.values(contexts)
        scaled = self._scaled(values)
        if self._all_linear:
            return scaled.astype(np.float32)
        columns: list[NDArray[Any]] = []
        for index, feature in enumerate(self.features.values()):
            if feature.encoding == "circle":
                columns += [np.cos(values[:, index]), np.sin(values[:, index])]
            elif feature.encoding == "categorical":
                columns += [values[:, index] == category for category in feature.values or ()]
            else:
                columns.append(scaled[:, index])
        return np.stack(columns, axis=1).astype(np.float32)

    def reader(self, name: str) -> ValueReader:
        """What reads a feature's value from descriptors; ValueError where its encoding is a circle."""
        index, feature = self.names.index(name), self.features[name]
        entries = tuple(entry for entry, owner in enumerate(self.owners) if owner == index)
        if feature.encoding == "circle":
            raise ValueError(f"{name}: found the encoding circle; allowed: linear, categorical")
        if feature.encoding == "categorical":
            return ValueReader(entries, tuple(feature.values or ()), 0.0)
        low, high = feature.train
        return ValueReader(entries, ((high - low) / 2,), (high + low) / 2)

    def replace(
        self, descriptors: NDArray[np.float32], names: Sequence[str], values: NDArray[Any]
    ) -> NDArray[np.float32]:
        """Descriptors (N, D) in which some features have other values; a missing one (NaN) stays missing.

        Args:
            descriptors: as `descriptors` gives them, or with missing features.
            names: features with a linear encoding.
            values: (N, len(names)).
        """
        replaced = descriptors.copy()
        features = [self.names.index(name) for name in names]
        entries = [self.owners.index(feature) for feature in features]
        scaled = self._scaled(np.asarray(values, np.float64), features)
        replaced[:, entries] = np.where(np.isnan(descriptors[:, entries]), np.nan, scaled)
        return replaced
