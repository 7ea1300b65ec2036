"""Contexts: as written, as arrays, as descriptors for networks, and as attributes of a simulator."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from hyperrl.errors import UserError
from hyperrl.recipes import Context

if TYPE_CHECKING:
    from hyperrl.recipes import Derived, Feature


def assignment(context: Mapping[str, float], digits: int = 6) -> str:
    """A context as the command line takes it, "gravity=9.8,length=0.5", to so many significant digits."""
    return ",".join(f"{name}={value:.{digits}g}" for name, value in context.items())


def _parts(name: str, feature: "Feature") -> tuple[str, ...]:
    if feature.encoding == "circle":
        return f"{name}.cos", f"{name}.sin"
    if feature.encoding == "categorical":
        return tuple(f"{name}={value:g}" for value in feature.values or ())
    return (name,)


class ContextSpace:
    """The features of a family.

    Attributes:
        names: the features, in the recipe's order.
        default: the context of defaults.
        descriptor_names: one per entry of a descriptor; an angle has two, its cosine and its sine, a
            categorical feature one for each of its values.
        descriptor_dim: their number, D.
        owners: for each entry of a descriptor the feature, by its place in `names`.
        box: space of descriptors, float32, bounded by the widest declared range.
    """

    def __init__(self, features: Mapping[str, "Feature"]) -> None:
        """Take validated features; raises UserError where there are none."""
        if not features:
            raise UserError("a family needs at least one feature; found none")
        self.features = dict(features)
        self.names = tuple(self.features)
        self.default = Context.of(self.features, {})
        parts = [_parts(name, feature) for name, feature in self.features.items()]
        self.descriptor_names = tuple(part for own in parts for part in own)
        self.descriptor_dim = len(self.descriptor_names)
        self.owners = tuple(index for index, own in enumerate(parts) for _ in own)
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

    def _scaled(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        scaled: NDArray[np.float64] = 2.0 * (values - self._low) / (self._high - self._low) - 1.0
        return scaled

    def complete(self, values: Mapping[str, float]) -> Context:
        """Fill in defaults; raises UserError as `Context.parse`."""
        return Context.parse(self.features, values)

    def values(self, contexts: Sequence[Mapping[str, float]]) -> NDArray[np.float64]:
        """Contexts as an array (N, F) in the order of `names`, completed; raises as `complete`."""
        rows = [list(self.complete(context).raw.values()) for context in contexts]
        return np.array(rows, np.float64).reshape(len(rows), len(self.names))

    def contexts(self, values: NDArray[np.float64]) -> list[Context]:
        """Inverse of `values`, which has shape (N, F)."""
        rows = values.tolist()
        return [Context.of(self.features, dict(zip(self.names, row, strict=True))) for row in rows]

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


class Binding:
    """How a context reaches the simulator.

    Attributes:
        attribute: feature to the attribute that it sets.
        arguments: feature to the base environment's keyword argument and what that is for each value.
        scales: feature to the entry of the action that it multiplies, None for the whole action.
        physics: feature to the quantity of the simulator ("mass.torso") and the feature's default.
        reward: the feature that is the goal of the reward and its kind, if any.
        late: features that are set once more after each reset, which draws values of its own.
        derived: attributes recomputed from others after each change.
    """

    def __init__(self, features: Mapping[str, "Feature"], derived: Mapping[str, "Derived"]) -> None:
        """Take a recipe's features and derived attributes."""
        self.attribute: dict[str, str] = {}
        self.arguments: dict[str, tuple[str, dict[float, Any]]] = {}
        self.scales: dict[str, int | None] = {}
        self.physics: dict[str, tuple[str, float]] = {}
        self.reward: tuple[str, str] | None = None
        self.late = tuple(name for name, feature in features.items() if feature.at == "start")
        self.derived = dict(derived)
        for name, feature in features.items():
            if feature.argument is not None:
                values = feature.values or ()
                whole = all(each.is_integer() for each in values)
                choices = feature.choices or (tuple(map(int, values)) if whole else values)
                self.arguments[name] = feature.argument, dict(zip(values, choices, strict=True))
            elif feature.scales is not None:
                entry = feature.scales.partition(".")[2]
                self.scales[name] = int(entry) if entry else None
            elif feature.physics is not None:
                self.physics[name] = feature.physics, float(feature.default)
            elif feature.reward is not None:
                self.reward = name, feature.reward
            else:
                self.attribute[name] = feature.attribute or name

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

    def chosen(self, context: Mapping[str, float]) -> dict[str, Any]:
        """The base environment's keyword arguments in a complete context.

        Raises:
            UserError: a value that no environment is made for.
        """
        found = {}
        for name, (argument, choices) in self.arguments.items():
            if context[name] not in choices:
                known = ", ".join(f"{each:g}" for each in choices)
                raise UserError(f"context: {name} is {context[name]:g}; its values: {known}")
            found[argument] = choices[context[name]]
        return found

    def factors(self, context: Mapping[str, float], size: int) -> dict[str, float]:
        """Factor on each of the `size` entries of an action, by name: "action.0" and so on.

        Raises:
            UserError: a feature scales an entry that an action does not have.
        """
        factors = [1.0] * size
        for name, entry in self.scales.items():
            if entry is not None and entry >= size:
                raise UserError(
                    f"feature {name!r} scales action.{entry}; an action has entries 0 to {size - 1}"
                )
            for index in range(size) if entry is None else (entry,):
                factors[index] *= float(context[name])
        return {f"action.{entry}": factor for entry, factor in enumerate(factors)}

    def settings(self, context: Mapping[str, float]) -> dict[str, float]:
        """Factor on each quantity of the simulator, "mass.torso" and the like, in a complete context."""
        return {quantity: context[name] / default for name, (quantity, default) in self.physics.items()}
