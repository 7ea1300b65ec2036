"""What the arguments of the verbs may be, checked before anything is opened or loaded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from inspect import Parameter, signature
from numbers import Integral, Real
from pathlib import Path
from types import NoneType
from typing import Any, ParamSpec, TypeVar

from hyperrl.limits import FLAG, NAMES, Kind, checked_by, is_a, list_of
from hyperrl.recipes import AgentRecipe, FamilyRecipe
from hyperrl.store import Run
from hyperrl.tasks import Family

P = ParamSpec("P")
T = TypeVar("T")


def _is_sweep(found: Any) -> bool:
    if not isinstance(found, Sequence) or isinstance(found, str) or len(found) != 4:
        return False
    feature, low, high, count = found
    return isinstance(feature, str) and all(map(_is_number, (low, high))) and isinstance(count, Integral)


def _is_number(found: Any) -> bool:
    return isinstance(found, Real) and not isinstance(found, bool)


_RUN = is_a(str, Path, Run)
_PATH = Kind("a path, or None", is_a(str, Path, NoneType))

KINDS: dict[str, Kind] = {
    "agent": Kind("a name, the path of a YAML file, or a recipe", is_a(str, Path, AgentRecipe)),
    "run": Kind("a run, or the path of its directory", _RUN),
    "runs": Kind(
        "a run, the path of its directory, or a list of them", lambda x: _RUN(x) or list_of(_RUN)(x)
    ),
    "from_run": Kind("a run, the path of its directory, or None", is_a(str, Path, Run, NoneType)),
    "context": Kind("a dictionary of features' values, such as {'c0': 2}", is_a(Mapping)),
    "contexts": Kind("a list of dictionaries, such as [{'c0': 2}]", list_of(is_a(Mapping))),
    "leave_out": Kind("a list of dictionaries, such as [{'c0': 2}]", list_of(is_a(Mapping))),
    "sweep": Kind("a list of (feature, low, high, count), such as [('c0', -1, 1, 5)]", list_of(_is_sweep)),
    "splits": Kind("a list of splits, such as ['train'], or None", lambda x: x is None or NAMES.holds(x)),
    "hidden": NAMES,
    "overrides": NAMES,
    "allow_import": NAMES,
    "checkpoint": Kind("'best', 'latest', a number of steps, or None", is_a(str, Integral, NoneType)),
    "device": Kind("'cpu', 'cuda', 'cuda:1', 'mps' or 'auto'", is_a(str)),
    "format": Kind("'torch', 'onnx' or 'sb3'", is_a(str)),
    "quantize": Kind("'int8', or None", is_a(str, NoneType)),
    "budget": Kind("a share of the parameters, above 0, at most 1", lambda x: x is None or _is_number(x)),
    "out": _PATH,
    "video": _PATH,
    "deterministic": FLAG,
    "detect_anomaly": FLAG,
    "save": FLAG,
    "force": FLAG,
    "progress": Kind("a function of the work done and planned, or None", lambda x: x is None or callable(x)),
    "family": Kind("a family, as contextualize or Family.load give it, or None", is_a(Family, NoneType)),
}
"""By the arguments' names; numbers are checked where their limits are."""

_FAMILY = Kind("a name, the path of a YAML file, a recipe or a family", is_a(str, Path, Family, FamilyRecipe))


def checked(verb: Callable[P, T]) -> Callable[P, T]:
    """A verb that refuses wrong arguments in one line, a UserError, before it does anything.

    Args:
        verb: its arguments are named as in `KINDS`. A required `family` may be a name or a recipe too.
    """
    family = signature(verb).parameters.get("family")
    required = family is not None and family.default is Parameter.empty
    return checked_by({**KINDS, "family": _FAMILY} if required else KINDS)(verb)
