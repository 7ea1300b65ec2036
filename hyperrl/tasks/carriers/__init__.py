"""How features reach the simulator: one carrier in a file of its own for each way."""

import math
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from typing import Any

from hyperrl.recipes import Context, Derived, Feature
from hyperrl.tasks.carriers.action import ActionCarrier
from hyperrl.tasks.carriers.argument import ArgumentCarrier
from hyperrl.tasks.carriers.attribute import AttributeCarrier
from hyperrl.tasks.carriers.base import Carrier, Simulator, Trial
from hyperrl.tasks.carriers.hyperparameter import HyperparameterCarrier
from hyperrl.tasks.carriers.permutation import PermutationCarrier
from hyperrl.tasks.carriers.physics import PhysicsCarrier
from hyperrl.tasks.carriers.reward import RewardCarrier
from hyperrl.tasks.carriers.weight import TERM_RETURN, WeightCarrier, term_returns
from hyperrl.tasks.dynamics import Dynamics

CARRIERS: dict[str, type[Carrier]] = {
    "attribute": AttributeCarrier,
    "argument": ArgumentCarrier,
    "physics": PhysicsCarrier,
    "permutations": PermutationCarrier,
    "scales": ActionCarrier,
    "reward": RewardCarrier,
    "weighs": WeightCarrier,
    "hyperparameter": HyperparameterCarrier,
}
"""The field of a feature that chooses a carrier (`hyperrl.recipes.carriers`) and its class, in the order in
which they bring a task to the simulator and change an action."""


class Carriers:
    """The carriers that a family's features use.

    Attributes:
        late: whether some features are set once more after each reset, which draws values of its own.
        at_resets: whether some features take effect at a reset alone.
    """

    def __init__(self, features: Mapping[str, Feature], derived: Mapping[str, Derived]) -> None:
        """Take a recipe's features and derived attributes."""
        self._all: list[Carrier] = []
        for field, carrier in CARRIERS.items():
            own = {name: feature for name, feature in features.items() if feature.carrier == field}
            if own or (derived and carrier is AttributeCarrier):
                self._all.append(carrier(own, derived))
        self.late = any(feature.at == "start" for feature in features.values())
        self.at_resets = any(feature.at == "reset" for feature in features.values())

    def __iter__(self) -> Iterator[Carrier]:
        return iter(self._all)

    def of(self, name: str) -> Carrier:
        """The carrier of a feature."""
        return next(carrier for carrier in self if name in carrier.features)

    def attached(self, simulator: Simulator) -> "Carriers":
        """Copies that belong to one environment; raises as `Carrier.attach`."""
        own = copy(self)
        own._all = [copy(carrier) for carrier in self]
        for carrier in own:
            carrier.attach(simulator)
        return own

    def overriding(self, method: str) -> list[Carrier]:
        """Those that have a method of their own in the place of `Carrier`'s, which changes nothing."""
        return [each for each in self if getattr(type(each), method) is not getattr(Carrier, method)]

    def arguments(self, context: Context) -> dict[str, Any]:
        """The base environment's keyword arguments; raises as `Carrier.arguments`."""
        return {key: value for carrier in self for key, value in carrier.arguments(context).items()}

    def batched(self, dynamics: Dynamics | None) -> Dynamics | None:
        """Batched dynamics whose parameters all features set; None where there are none.

        The outermost dynamics get an action first, so the first carrier wraps the dynamics last.
        """
        for carrier in reversed(self._all):
            dynamics = dynamics and carrier.batched(dynamics)
        return dynamics

    def parameters(self, context: Context, read: Callable[[str], float], size: int = 0) -> dict[str, float]:
        """Parameters of batched dynamics; see `Carrier.parameters`."""
        return {key: value for each in self for key, value in each.parameters(context, read, size).items()}

    def constants(self, dynamics: Dynamics, context: Context) -> dict[str, float]:
        """The constants of batched dynamics (`batched`) in a context; raises as `Carrier.parameters`."""
        defaults, size = dynamics.parameters, math.prod(dynamics.action_space.shape or ())
        return dynamics.constants({**defaults, **self.parameters(context, defaults.__getitem__, size)})


__all__ = ["CARRIERS", "TERM_RETURN", "Carrier", "Carriers", "Simulator", "Trial", "term_returns"]
