"""A quantity of a MuJoCo or Box2D simulator carries a feature: it is multiplied by value / default."""

from collections.abc import Mapping
from typing import Any, Protocol

import gymnasium as gym
import numpy as np

from hyperrl.errors import UserError
from hyperrl.recipes import Context
from hyperrl.tasks.carriers.base import Carrier, Simulator
from hyperrl.tasks.simulators.effects import remark
from hyperrl.tasks.simulators.models import model_path
from hyperrl.tasks.simulators.mujoco import MujocoPhysics


class Physics(Protocol):
    """The physics of one environment."""

    def apply(self, factors: Mapping[str, float]) -> None:
        """Multiply quantities ("mass.torso") by factors; what is not named is as the environment came.

        Raises:
            UserError: the simulator has no such quantity, or does not take the factor.
        """

    def holds(self) -> bool:
        """Whether the environment is still as `apply` left it."""


def physics_of(base: gym.Env[Any, Any]) -> Physics:
    """Find the simulator of an environment; raises UserError where it is neither MuJoCo nor Box2D."""
    path = model_path(base)
    if path is not None:
        return MujocoPhysics(base, path)
    if type(getattr(base, "world", None)).__name__ == "b2World":
        return Box2DPhysics(base)
    raise UserError(f"'physics' needs a MuJoCo or Box2D simulator; {type(base).__name__} has neither")


class PhysicsCarrier(Carrier):
    """Sets factors on quantities; other quantities keep the environment's own values."""

    _physics: Physics

    def attach(self, simulator: Simulator) -> None:
        """See `Carrier.attach`; takes the present quantities for the environment's own."""
        super().attach(simulator)
        self._physics = physics_of(simulator.base)

    def apply(self, context: Context) -> None:
        """See `Carrier.apply`."""
        self._physics.apply(
            {
                str(feature.physics): context[name] / float(feature.default)
                for name, feature in self.features.items()
            }
        )

    def find_undone(self) -> str | None:
        """See `Carrier.find_undone`."""
        return None if self._physics.holds() else "the simulator's physics are others in the episode"

    def remark(self, name: str) -> str | None:
        """What the simulator's model tells of the quantity's effect."""
        feature = self.features[name]
        return remark(self.simulator.base, str(feature.physics), float(feature.default), *feature.train)


class Box2DPhysics:
    """Gravity of a Box2D world, in mid-episode and, where the environment keeps it, for resets."""

    def __init__(self, base: Any) -> None:
        """Take the world's gravity as it is now for the environment's own."""
        self._base = base
        self._original = float(base.world.gravity[1])
        self._gravity = self._original

    def apply(self, factors: Mapping[str, float]) -> None:
        """See `Physics`: gravity alone; LunarLander takes gravities between -12 and 0."""
        for quantity in factors:
            if quantity != "gravity":
                raise UserError(f"physics {quantity}: a Box2D world has gravity alone to set")
        gravity = self._original * factors.get("gravity", 1.0)
        if type(self._base).__name__.startswith("LunarLander") and not -12.0 < gravity < 0.0:
            raise UserError(f"physics gravity: {gravity:g}; LunarLander takes some between -12 and 0")
        self._gravity = gravity
        if hasattr(self._base, "gravity"):
            self._base.gravity = gravity
        self._base.world.gravity = (0.0, gravity)

    def holds(self) -> bool:
        """Whether the present world, which a reset makes anew, has this gravity (in single precision)."""
        return bool(np.float32(self._base.world.gravity[1]) == np.float32(self._gravity))
