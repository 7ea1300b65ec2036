"""Quantities of MuJoCo and Box2D simulators as features: set by factors, all else restored."""

import os
import sys
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from hyperrl.errors import UserError, nearest


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
    simulators = {type(getattr(base, name, None)).__name__ for name in ("model", "world")}
    if "MjModel" in simulators:
        return MujocoPhysics(base)
    if "b2World" in simulators:
        return Box2DPhysics(base)
    raise UserError(f"'physics' needs a MuJoCo or Box2D simulator; {type(base).__name__} has neither")


def draw_without_a_window() -> None:
    """Let MuJoCo draw through EGL where there is no display and the user has not chosen (MUJOCO_GL)."""
    if sys.platform == "linux" and not os.environ.get("DISPLAY"):
        os.environ.setdefault("MUJOCO_GL", "egl")


def is_compiled(base: gym.Env[Any, Any], path: str) -> bool:
    """Whether an attribute is a number of a MuJoCo model from which others of the model were computed."""
    holder, _, rest = path.partition(".")
    return type(getattr(base, holder, None)).__name__ == "MjModel" and rest.startswith(_SOURCES)


class MujocoPhysics:
    """Factors on a compiled MuJoCo model, in place.

    Before each change every array of the model returns to what the environment's constructor made of it, so
    nothing is left of the task before, and the context of defaults is the environment as it comes, bit for
    bit. Inertia scales with mass. After a change of masses or lengths `mj_setConst` brings the constants
    that MuJoCo derives from them up to date; it works on simulation data of its own.
    """

    def __init__(self, base: Any) -> None:
        """Take the model's arrays as they are now for the environment's own."""
        import mujoco

        self._mujoco, self._base, self._model = mujoco, base, base.model
        self._scratch = mujoco.MjData(base.model)
        self._views = _arrays(base.model)
        self._views["opt.gravity"] = base.model.opt.gravity
        self._views["stat.center"] = base.model.stat.center
        self._kept = {name: view.copy() for name, view in self._views.items()}
        self._scalars = {name: getattr(base.model.stat, name) for name in _STATISTICS}
        self._factors: dict[str, float] | None = None
        self._applied: dict[str, NDArray[Any]] = {}

    def apply(self, factors: Mapping[str, float]) -> None:
        """See `Physics`: mass(.BODY), friction(.GEOM), damping and gear(.JOINT), length.BODY, gravity."""
        if factors == self._factors and self.holds():
            return
        self._factors = None
        self._restore()
        for quantity, factor in factors.items():
            if factor != 1.0:
                self._scale(quantity, factor)
        if any(factor != 1.0 and quantity[:4] in ("mass", "leng") for quantity, factor in factors.items()):
            self._mujoco.mj_setConst(self._model, self._scratch)
        self._factors = dict(factors)
        self._applied = {name: self._views[name].copy() for name in _WRITTEN}

    def holds(self) -> bool:
        """Whether the environment still plays this model, with these numbers."""
        same = self._base.model is self._model
        return same and all(np.array_equal(self._views[name], kept) for name, kept in self._applied.items())

    def _restore(self) -> None:
        for name, view in self._views.items():
            view[...] = self._kept[name]
        for name, value in self._scalars.items():
            setattr(self._model.stat, name, value)

    def _scale(self, quantity: str, factor: float) -> None:
        kind, _, name = quantity.partition(".")
        if kind in ("mass", "length") and not factor > 0:
            raise UserError(f"physics {quantity}: factor {factor:g}; it must be above 0")
        if kind in ("friction", "damping") and factor < 0:
            raise UserError(f"physics {quantity}: factor {factor:g}; it may not be below 0")
        setters: dict[str, Callable[[str, float], None]] = {
            "mass": self._scale_mass,
            "length": self._scale_length,
            "friction": self._scale_friction,
            "damping": self._scale_damping,
            "gear": self._scale_gear,
            "gravity": self._scale_gravity,
        }
        setters[kind](name, factor)

    def _which(self, kind: str, name: str) -> Any:
        """Index of a named body, geom or joint; all of them without a name."""
        if not name:
            return slice(None)
        named = getattr(self._mujoco.mjtObj, f"mjOBJ_{kind.upper()}")
        index = self._mujoco.mj_name2id(self._model, named, name)
        if index < 0:
            count = {"body": self._model.nbody, "geom": self._model.ngeom, "joint": self._model.njnt}[kind]
            known = (self._mujoco.mj_id2name(self._model, named, each) for each in range(count))
            raise UserError(f"physics: the model has no {kind} {name!r}{nearest(name, filter(None, known))}")
        return index

    def _scale_mass(self, name: str, factor: float) -> None:
        which = self._which("body", name)
        self._model.body_mass[which] *= factor
        self._model.body_inertia[which] *= factor

    def _scale_friction(self, name: str, factor: float) -> None:
        self._model.geom_friction[self._which("geom", name)] *= factor
        if not name:
            self._model.pair_friction[:] *= factor

    def _scale_damping(self, name: str, factor: float) -> None:
        joint = self._which("joint", name)
        degrees = self._model.dof_jntid == joint if name else joint
        self._model.dof_damping[degrees] *= factor

    def _scale_gear(self, name: str, factor: float) -> None:
        # Gymnasium's actuators have no names: one is known by the joint that it drives.
        which = self._which("joint", name)
        if name:
            which = self._model.actuator_trntype == self._mujoco.mjtTrn.mjTRN_JOINT
            which &= self._model.actuator_trnid[:, 0] == self._which("joint", name)
        self._model.actuator_gear[which] *= factor

    def _scale_gravity(self, _: str, factor: float) -> None:
        self._model.opt.gravity[:] *= factor

    def _scale_length(self, name: str, factor: float) -> None:
        """Lengthen a body that is one capsule or cylinder, about its frame; its mass and radius stay."""
        model, body = self._model, self._which("body", name)
        geom = int(model.body_geomadr[body])
        shapes = {
            int(self._mujoco.mjtGeom.mjGEOM_CAPSULE): _capsule,
            int(self._mujoco.mjtGeom.mjGEOM_CYLINDER): _cylinder,
        }
        moments = shapes.get(int(model.geom_type[geom])) if model.body_geomnum[body] == 1 else None
        if moments is None or (model.body_parentid == body).any():
            raise UserError(
                f"physics length.{name}: only a last body of one capsule or cylinder has a length to set"
            )
        radius, half = (float(size) for size in model.geom_size[geom, :2])
        model.geom_size[geom, 1] *= factor
        model.geom_pos[geom] *= factor
        model.body_ipos[body] *= factor
        # The body's principal axes are the geom's: (about it, about it, along it), MuJoCo's z axis.
        model.body_inertia[body] *= moments(radius, half * factor) / moments(radius, half)
        cap = radius if moments is _capsule else 0.0
        bound = half * factor + cap if cap else float(np.hypot(half * factor, radius))
        model.geom_rbound[geom] = bound
        model.geom_aabb[geom, 5] = half * factor + cap


_SOURCES = (
    "body_",
    "geom_size",
    "geom_pos",
    "geom_quat",
    "jnt_pos",
    "jnt_axis",
    "dof_armature",
    "qpos0",
    "tendon_",
)
_STATISTICS = ("meaninertia", "meanmass", "meansize", "extent")
_WRITTEN = (
    "body_mass", "body_inertia", "body_ipos", "geom_size", "geom_pos", "geom_friction", "dof_damping",
    "actuator_gear", "opt.gravity",
)  # fmt: skip


def _arrays(model: Any) -> dict[str, NDArray[Any]]:
    """All arrays of a model that can be written, as views."""
    found = {}
    for name in dir(model):
        value = None if name.startswith("_") else getattr(model, name)
        if isinstance(value, np.ndarray) and value.flags.writeable and value.size:
            found[name] = value
    return found


def _capsule(radius: float, half: float) -> NDArray[np.float64]:
    """Moments of inertia (3,) per unit of mass: a cylinder (length 2 half) between half spheres."""
    middle, ends = 2 * half * radius**2, 4 / 3 * radius**3
    across = middle * (radius**2 / 4 + half**2 / 3)
    across += ends * (2 / 5 * radius**2 + half**2 + 3 / 4 * half * radius)
    along = middle * radius**2 / 2 + ends * 2 / 5 * radius**2
    return np.array([across, across, along]) / (middle + ends)


def _cylinder(radius: float, half: float) -> NDArray[np.float64]:
    """Moments of inertia (3,) per unit of mass."""
    across = radius**2 / 4 + half**2 / 3
    return np.array([across, across, radius**2 / 2])


class Box2DPhysics:
    """Gravity of a Box2D world, in mid-episode and, where the environment keeps it, for resets."""

    def __init__(self, base: Any) -> None:
        """Take the world's gravity as it is now for the environment's own."""
        self._base = base
        self._original = float(base.world.gravity[1])
        self._wanted = self._original

    def apply(self, factors: Mapping[str, float]) -> None:
        """See `Physics`: gravity alone; LunarLander takes gravities between -12 and 0."""
        for quantity in factors:
            if quantity != "gravity":
                raise UserError(f"physics {quantity}: a Box2D world has gravity alone to set")
        gravity = self._original * factors.get("gravity", 1.0)
        if type(self._base).__name__.startswith("LunarLander") and not -12.0 < gravity < 0.0:
            raise UserError(f"physics gravity: {gravity:g}; LunarLander takes some between -12 and 0")
        self._wanted = gravity
        if hasattr(self._base, "gravity"):
            self._base.gravity = gravity
        self._base.world.gravity = (0.0, gravity)

    def holds(self) -> bool:
        """Whether the present world, which a reset makes anew, has this gravity (in single precision)."""
        return bool(np.float32(self._base.world.gravity[1]) == np.float32(self._wanted))
