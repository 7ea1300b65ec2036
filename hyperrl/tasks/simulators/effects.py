"""Quantities of a MuJoCo model that have no effect, or none in a part of their range."""

from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from hyperrl.tasks.simulators.models import model_of


def no_effect(base: gym.Env[Any, Any], quantity: str) -> str | None:
    """Say why no factor on a quantity ("friction.floor") can change a step; None where that is not known.

    Args:
        base: an unwrapped environment; of others than MuJoCo's nothing is known.
        quantity: as `physics` names it.
    """
    model = model_of(base)
    kind, _, name = quantity.partition(".")
    if model is None:
        return None
    match kind:
        case "friction":
            return _frictionless(model, name)
        case "gravity":
            return _weightless(model)
        case "mass" if name and model.body_weldid[model.body(name).id] == 0:
            return f"the body {name!r} is fixed to the world"
        case "damping":
            degrees = model.dof_jntid == model.joint(name).id if name else slice(None)
            return None if model.dof_damping[degrees].any() else "the damping is 0, and a factor leaves it 0"
        case "gear" if not model.nu:
            return "the model has no actuators"
    return None


def least_friction(base: gym.Env[Any, Any], quantity: str) -> float:
    """The factor on one geom's friction below which what it touches decides alone; 0: every factor counts.

    A contact takes the larger coefficient of its two geoms, or that of the geom with the higher priority.
    """
    model = model_of(base)
    kind, _, name = quantity.partition(".")
    if model is None or kind != "friction" or not name:
        return 0.0
    geom, priority = model.geom(name).id, model.geom_priority
    others = _touching(model)[geom].nonzero()[0]
    friction, theirs = float(model.geom_friction[geom, 0]), model.geom_friction[others, 0]
    least = theirs / friction if friction > 0 else np.where(theirs > 0, np.inf, 0.0)
    least = np.where(priority[others] > priority[geom], np.inf, least)
    least = np.where(priority[others] < priority[geom], 0.0, least)
    return float(least.min(initial=np.inf))


def remark(base: gym.Env[Any, Any], quantity: str, default: float, low: float, high: float) -> str | None:
    """Tell in a clause why a feature's range changes nothing, or which part of it; None: nothing is known.

    Args:
        base: an unwrapped environment as it comes.
        quantity: as `physics` names it.
        default: the feature's value at which the quantity is as it comes.
        low: the least value of the feature.
        high: the greatest.
    """
    reason = no_effect(base, quantity)
    if reason is not None:
        return reason
    least = least_friction(base, quantity)
    below = least * default
    if not least or low >= below:
        return None
    part = "" if high <= below else f" below {below:g}"
    return f"a contact has the larger friction of its two geoms, which{part} is that of what this one touches"


def _frictionless(model: Any, name: str) -> str | None:
    pairs, geom = _touching(model), model.geom(name).id if name else slice(None)
    dimensions = _dimensions(model)[geom][pairs[geom]]
    if not name:
        dimensions = np.concatenate([dimensions, model.pair_dim])
    if not dimensions.size:
        return f"the geom {name!r} can touch nothing" if name else "no two geoms of the model can touch"
    return "its contacts are frictionless (condim 1)" if (dimensions == 1).all() else None


def _touching(model: Any) -> NDArray[np.bool_]:
    """Which geoms (geom, geom) can touch by their collision bits and bodies; pairs of their own left out."""
    import mujoco

    if model.opt.disableflags & mujoco.mjtDisableBit.mjDSBL_CONTACT:
        return np.zeros((model.ngeom, model.ngeom), np.bool_)
    bits = (model.geom_contype[:, None] & model.geom_conaffinity) != 0
    body = model.geom_bodyid
    welded = model.body_weldid[body]
    parent = model.body_weldid[model.body_parentid[welded]]
    apart = welded[:, None] != welded
    if not model.opt.disableflags & mujoco.mjtDisableBit.mjDSBL_FILTERPARENT:
        child = (welded[:, None] == parent) & (welded[:, None] != 0)
        apart &= ~(child | child.T)
    signatures = (np.minimum(body[:, None], body) << 16) + np.maximum(body[:, None], body)
    touching: NDArray[np.bool_] = (bits | bits.T) & apart & ~np.isin(signatures, model.exclude_signature)
    return touching


def _dimensions(model: Any) -> NDArray[np.int_]:
    """Of a contact between two geoms (geom, geom): the larger condim, or that of the higher priority."""
    condim, priority = model.geom_condim, model.geom_priority
    above = np.sign(priority[:, None] - priority)
    larger = np.maximum(condim[:, None], condim)
    return np.asarray(np.choose(above + 1, [condim[None, :], larger, condim[:, None]]))


def _weightless(model: Any) -> str | None:
    """Look at some states at rest, where gravity alone loads the joints."""
    import mujoco

    if not model.opt.gravity.any() or model.opt.disableflags & mujoco.mjtDisableBit.mjDSBL_GRAVITY:
        return "gravity is 0, and a factor leaves it 0"
    data, rng = mujoco.MjData(model), np.random.default_rng(0)
    for _ in range(3):
        mujoco.mj_integratePos(model, data.qpos, rng.normal(size=model.nv), 1.0)
        mujoco.mj_fwdPosition(model, data)
        mujoco.mj_fwdVelocity(model, data)
        if (abs(data.qfrc_bias) > 1e-9).any():
            return None
    return "gravity pulls along none of the model's joints"
