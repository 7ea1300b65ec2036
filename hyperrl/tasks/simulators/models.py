"""Finds the MuJoCo model of a base environment, and what in it MuJoCo computed from the rest."""

from collections import deque
from copy import copy
from types import FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from hyperrl.tasks import paths

_DEPTH, _OBJECTS = 3, 1000
_PLAIN = (str, bytes, int, float, complex, type, ModuleType, FunctionType, MethodType, np.ndarray)
_OF_PICTURES = ("cam_", "light_")
_COMPILED = (
    *("body_", "geom_size", "geom_pos", "geom_quat", "geom_margin", "geom_contype", "geom_conaffinity"),
    *("jnt_pos", "jnt_axis", "dof_armature", "qpos0", "tendon_"),
)
"""Fields of a model, by how they begin, from which MuJoCo's compiler makes others."""
_QUANTITIES = {"body_mass": "mass", "body_inertia": "mass", "geom_size": "length"}
_PLACES = ("body_pos", "body_quat")


def model_path(base: Any) -> str | None:
    """Where in an environment the object lies whose `model` is MuJoCo's: "" for itself, "ant_env"; or None.

    The nearest is found: first the environment's own, then its attributes', as far as three levels down.
    """
    queue, visited = deque([("", base)]), {id(base)}
    while queue and len(visited) < _OBJECTS:
        path, here = queue.popleft()
        if _model(here) is not None:
            return path
        if path.count(".") + bool(path) >= _DEPTH:
            continue
        for name, inner in list(getattr(here, "__dict__", {}).items()):
            if hasattr(inner, "__dict__") and not isinstance(inner, _PLAIN) and id(inner) not in visited:
                visited.add(id(inner))
                queue.append((f"{path}.{name}".lstrip("."), inner))
    return None


def model_of(base: Any, path: str | None = None) -> Any:
    """MuJoCo's model of an environment, at a known path or wherever it lies; None where it has none."""
    path = model_path(base) if path is None else path
    if path is None:
        return None
    return _model(paths.read(base, path) if path else base)


def _model(holder: Any) -> Any:
    try:
        model = getattr(holder, "model", None)
    except Exception:  # of a property that is not ready, or needs more than is there
        return None
    return _native(model)


def _native(model: Any) -> Any:
    """MuJoCo's own model: itself, or what dm_control's wrapper of the same name points to."""
    if type(model).__name__ != "MjModel":
        return None
    return getattr(model, "ptr", model)


def compiled_field(base: Any, path: str) -> str | None:
    """The field of a MuJoCo model that a path leads into, if others of the model are computed from it.

    A body's place is none: `stale_constants` tells whether anything follows from it.
    """
    here = base
    for part in path.split("."):
        if _native(here) is not None or type(here).__name__ == "StructIndexer":
            return part if part.startswith(_COMPILED) and part not in _PLACES else None
        here = paths.read(here, part)
    return None


def remedy(field: str = "") -> str:
    """What may carry a feature instead of an attribute in a field of the model, or of a body's place."""
    own = "a property of your environment's class that sets all that follows (it may call mujoco.mj_setConst)"
    quantity = _QUANTITIES.get(field)
    return own if quantity is None else f"'physics' in its place ({quantity}), or {own}"


def stale_constants(base: Any) -> set[str]:
    """Names of the constants that `mj_setConst` would compute differently from the model as it is now."""
    model = model_of(base)
    if model is None:
        return set()
    import mujoco

    fresh = copy(model)
    mujoco.mj_setConst(fresh, mujoco.MjData(fresh))
    return {
        name
        for name in dir(model)
        if not name.startswith(("_", *_OF_PICTURES))
        and not _all_close(getattr(model, name), getattr(fresh, name))
    }


def _all_close(one: Any, other: Any) -> bool:
    if not isinstance(one, np.ndarray) or one.dtype != np.float64 or not one.size:
        return True
    return np.allclose(one, other, rtol=1e-6, atol=1e-9 * float(np.abs(one).max()), equal_nan=True)
