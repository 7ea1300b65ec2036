"""Factors on quantities of a MuJoCo model; all else in it is restored."""

from collections.abc import Mapping
from copy import copy
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hyperrl.errors import UserError, did_you_mean
from hyperrl.tasks.simulators.models import model_of


class _Changes(NamedTuple):
    """What a context changes in a model: for each array, flat, where and to what, and the statistics."""

    arrays: dict[str, tuple[slice | NDArray[np.intp], NDArray[Any]]]
    statistics: dict[str, float]


class MujocoPhysics:
    """Factors on a compiled MuJoCo model, in place.

    A context is worked out on a copy of the model as the environment's constructor made it, and what it
    changes there is written into the model that is played. Nothing is left of the task before, the context of
    defaults is the environment as it comes, bit for bit, and what a reset has written elsewhere in the model
    (where a door stands) stays. Inertia scales with mass. After a change of masses or lengths `mj_setConst`
    brings the constants that MuJoCo derives from them up to date; it works on simulation data of its own.
    """

    def __init__(self, base: Any, path: str = "") -> None:
        """Take the model's arrays as they are now for the environment's own.

        Args:
            base: the environment.
            path: where in it the object lies whose `model` it is ("": itself).
        """
        import mujoco

        self._mujoco, self._base, self._path = mujoco, base, path
        self._played = model_of(base, path)
        self._original, self._model = copy(self._played), copy(self._played)
        self._original_views, self._played_views = _views(self._original), _views(self._played)
        self._factors: Mapping[str, float] | None = None
        self._changes = _Changes({}, _statistics(self._original))
        self._remembered: dict[tuple[tuple[str, float], ...], _Changes] = {}
        """A family's tasks come back, so what they change is remembered."""

    def apply(self, factors: Mapping[str, float]) -> None:
        """See `Physics`: mass(.BODY), friction(.GEOM), damping and gear(.JOINT), length.BODY, gravity."""
        if factors == self._factors and self.holds():
            return
        self._factors = None
        self._write(self._changes_of(tuple(factors.items())))
        self._factors = factors

    def holds(self) -> bool:
        """Whether the environment still plays this model, with the numbers that the context changes."""
        return model_of(self._base, self._path) is self._played and all(
            np.array_equal(self._played_views[name][where], values)
            for name, (where, values) in self._changes.arrays.items()
            if name in _WRITTEN
        )

    def _changes_of(self, factors: tuple[tuple[str, float], ...]) -> _Changes:
        """What factors change, remembered; `lru_cache` on a method would hold the environment in a cycle."""
        if factors not in self._remembered:
            if len(self._remembered) >= _REMEMBERED:
                self._remembered.pop(next(iter(self._remembered)))
            self._remembered[factors] = self._compute(factors)
        return self._remembered[factors]

    def _compute(self, factors: tuple[tuple[str, float], ...]) -> _Changes:
        """Work out on a copy of the original model what factors change."""
        self._model = copy(self._original)
        for quantity, factor in factors:
            if factor != 1.0:
                self._scale(quantity, factor)
        if any(factor != 1.0 and quantity.startswith(("mass", "length")) for quantity, factor in factors):
            self._mujoco.mj_setConst(self._model, self._mujoco.MjData(self._model))
        arrays = {}
        for name, original in self._original_views.items():
            view = attrgetter(name)(self._model).reshape(-1)
            where = (view != original).nonzero()[0]
            if len(where):
                run = slice(int(where[0]), int(where[-1]) + 1)  # is written faster
                place = run if len(where) == run.stop - run.start else where
                arrays[name] = place, view[where]
        return _Changes(arrays, _statistics(self._model))

    def _write(self, changes: "_Changes") -> None:
        """Bring changes into the model that is played, in the place of those before them."""
        for name, (where, _) in self._changes.arrays.items():
            self._played_views[name][where] = self._original_views[name][where]
        self._changes = changes
        for name, (where, values) in changes.arrays.items():
            self._played_views[name][where] = values
        for name, value in changes.statistics.items():
            setattr(self._played.stat, name, value)

    def _scale(self, quantity: str, factor: float) -> None:
        kind, _, name = quantity.partition(".")
        if kind in ("mass", "length") and not factor > 0:
            raise UserError(f"physics {quantity}: factor {factor:g}; it must be above 0")
        if kind in ("friction", "damping") and factor < 0:
            raise UserError(f"physics {quantity}: factor {factor:g}; it may not be below 0")
        getattr(self, f"_scale_{kind}")(name, factor)

    def _which(self, kind: str, name: str) -> Any:
        """Index of a named body, geom or joint; all of them without a name."""
        if not name:
            return slice(None)
        named = getattr(self._model, kind)
        try:
            return named(name).id
        except KeyError:
            count = getattr(self._model, {"body": "nbody", "geom": "ngeom", "joint": "njnt"}[kind])
            known = filter(None, (named(index).name for index in range(count)))
            raise UserError(f"physics: the model has no {kind} {name!r}{did_you_mean(name, known)}") from None

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
        """Make actuators stronger by the force at their joints; the target of a servo stays where it is.

        A gear multiplies the length that an actuator feels too, so that a servo of gear g settles at target /
        g: the gains of servos and dampers are scaled in its place, and the limits of their forces.
        """
        model, mujoco = self._model, self._mujoco
        which = self._driving(name)
        gain, bias = mujoco.mjtGain, mujoco.mjtBias
        plain = (model.actuator_gaintype == gain.mjGAIN_FIXED) & (model.actuator_biastype == bias.mjBIAS_NONE)
        linear = np.isin(model.actuator_gaintype, [gain.mjGAIN_FIXED, gain.mjGAIN_AFFINE])
        linear &= np.isin(model.actuator_biastype, [bias.mjBIAS_NONE, bias.mjBIAS_AFFINE])
        if (which & ~linear).any():
            raise UserError(
                f"physics gear{name and '.' + name}: drives muscles or actuators of a type of their own;"
                " allowed: motors, servos and dampers"
            )
        servos = which & ~plain
        if servos.any() and factor < 0:
            raise UserError(
                f"physics gear{name and '.' + name}: factor {factor:g} turns a servo away from its target;"
                " it may not be below 0"
            )
        model.actuator_gear[which & plain] *= factor
        model.actuator_gainprm[servos, :3] *= factor
        model.actuator_biasprm[servos, :3] *= factor
        model.actuator_forcerange[servos] *= factor

    def _driving(self, joint: str) -> NDArray[np.bool_]:
        """Which actuators drive a joint, or all: Gymnasium's have no names of their own."""
        model, kinds = self._model, self._mujoco.mjtTrn
        if not joint:
            return np.ones(model.nu, np.bool_)
        which = np.isin(model.actuator_trntype, [kinds.mjTRN_JOINT, kinds.mjTRN_JOINTINPARENT])
        which &= model.actuator_trnid[:, 0] == self._which("joint", joint)
        if not which.any():
            raise UserError(f"physics gear.{joint}: no actuator of the model drives this joint by itself")
        return which

    def _scale_gravity(self, _: str, factor: float) -> None:
        self._model.opt.gravity[:] *= factor

    def _scale_length(self, name: str, factor: float) -> None:
        """Lengthen a body that is one capsule or cylinder, about its frame; its mass and radius stay."""
        model, body = self._model, self._which("body", name)
        geom = int(model.body_geomadr[body])
        kinds = self._mujoco.mjtGeom
        shapes = {int(kinds.mjGEOM_CAPSULE): _capsule, int(kinds.mjGEOM_CYLINDER): _cylinder}
        moments = shapes.get(int(model.geom_type[geom])) if model.body_geomnum[body] == 1 else None
        if moments is None or (model.body_parentid == body).any():
            raise UserError(
                f"physics length.{name}: only a last body of one capsule or cylinder has a length to set"
            )
        radius, half = (float(size) for size in model.geom_size[geom, :2])
        own = np.allclose(model.body_inertia[body], model.body_mass[body] * moments(radius, half), rtol=1e-4)
        if not own or not np.allclose(model.body_ipos[body], model.geom_pos[geom], atol=1e-6):
            raise UserError(
                f"physics length.{name}: its file gives the body an inertia that is not its shape's;"
                " allowed: a body whose inertia follows from its shape"
            )
        axis = np.zeros(3)
        self._mujoco.mju_rotVecQuat(axis, np.array([0.0, 0.0, 1.0]), model.geom_quat[geom])
        sites = model.site_bodyid == body
        model.site_pos[sites] += (factor - 1) * np.outer(model.site_pos[sites] @ axis, axis)
        model.geom_size[geom, 1] *= factor
        model.geom_pos[geom] *= factor
        model.body_ipos[body] *= factor
        # The body's principal axes are the geom's: (about it, about it, along it), MuJoCo's z axis.
        model.body_inertia[body] *= moments(radius, half * factor) / moments(radius, half)
        self._bound(body, geom, radius, half * factor, capped=moments is _capsule)

    def _bound(self, body: int, geom: int, radius: float, half: float, *, capped: bool) -> None:
        """Set the sizes by which pairs that are far apart are left out: a shape beyond them meets nothing."""
        model, reach = self._model, half + radius if capped else half
        model.geom_rbound[geom] = reach if capped else float(np.hypot(half, radius))
        model.geom_aabb[geom, 5] = reach
        if model.body_bvhnum[body]:
            model.bvh_aabb[model.body_bvhadr[body], 5] = reach


_REMEMBERED = 64
_STATISTICS = ("meaninertia", "meanmass", "meansize", "extent")
_WRITTEN = (
    "body_mass", "body_inertia", "body_ipos", "geom_size", "geom_pos", "geom_friction", "pair_friction",
    "dof_damping", "actuator_gear", "actuator_gainprm", "actuator_biasprm", "actuator_forcerange", "site_pos",
    "opt.gravity",
)  # fmt: skip


def _statistics(model: Any) -> dict[str, float]:
    return {name: getattr(model.stat, name) for name in _STATISTICS}


def _views(model: Any) -> dict[str, NDArray[Any]]:
    """All arrays of a model that can be written, as flat views."""
    views = {"opt.gravity": model.opt.gravity, "stat.center": model.stat.center}
    for name in dir(model):
        value = None if name.startswith("_") else getattr(model, name)
        if isinstance(value, np.ndarray) and value.flags.writeable and value.size:
            views[name] = value.reshape(-1)
    return views


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
