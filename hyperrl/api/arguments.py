"""What the arguments of the verbs may be, checked before anything is opened or loaded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from inspect import Parameter, signature
from numbers import Integral
from pathlib import Path
from types import NoneType
from typing import Any, ParamSpec, TypeVar

from hyperrl.arguments import FLAG, NAMES, Constraint, is_instance, is_list_of, is_number, validate_arguments
from hyperrl.recipes import AgentRecipe, FamilyRecipe
from hyperrl.store import Run
from hyperrl.tasks import Family

P = ParamSpec("P")
T = TypeVar("T")


def _is_sweep(found: Any) -> bool:
    if not isinstance(found, Sequence) or isinstance(found, str) or len(found) != 4:
        return False
    feature, low, high, count = found
    return isinstance(feature, str) and all(map(is_number, (low, high))) and isinstance(count, Integral)


_RUN = is_instance(str, Path, Run)
_PATH = Constraint("a path, or None", is_instance(str, Path, NoneType))

CONSTRAINTS: dict[str, Constraint] = {
    "agent": Constraint("a name, the path of a YAML file, or a recipe", is_instance(str, Path, AgentRecipe)),
    "run": Constraint("a run, or the path of its directory", _RUN),
    "runs": Constraint(
        "a run, the path of its directory, or a list of them", lambda x: _RUN(x) or is_list_of(_RUN)(x)
    ),
    "from_run": Constraint(
        "a run, the path of its directory, or None", is_instance(str, Path, Run, NoneType)
    ),
    "context": Constraint("a dictionary of features' values, such as {'c0': 2}", is_instance(Mapping)),
    "contexts": Constraint("a list of dictionaries, such as [{'c0': 2}]", is_list_of(is_instance(Mapping))),
    "leave_out": Constraint("a list of dictionaries, such as [{'c0': 2}]", is_list_of(is_instance(Mapping))),
    "sweep": Constraint(
        "a list of (feature, low, high, count), such as [('c0', -1, 1, 5)]", is_list_of(_is_sweep)
    ),
    "splits": Constraint(
        "a list of splits, such as ['train'], or None", lambda x: x is None or NAMES.holds(x)
    ),
    "hidden": NAMES,
    "overrides": NAMES,
    "allow_import": NAMES,
    "checkpoint": Constraint(
        "'best', 'latest', a number of steps, or None", is_instance(str, Integral, NoneType)
    ),
    "device": Constraint("'cpu', 'cuda', 'cuda:1', 'mps' or 'auto'", is_instance(str)),
    "format": Constraint("'torch', 'onnx' or 'sb3'", is_instance(str)),
    "quantize": Constraint("'int8', or None", is_instance(str, NoneType)),
    "budget": Constraint(
        "a share of the parameters, above 0, at most 1", lambda x: x is None or is_number(x)
    ),
    "out": _PATH,
    "video": _PATH,
    "deterministic": FLAG,
    "detect_anomaly": FLAG,
    "save": FLAG,
    "force": FLAG,
    "progress": Constraint(
        "a function of the work done and planned, or None", lambda x: x is None or callable(x)
    ),
    "family": Constraint(
        "a family, as contextualize or Family.load give it, or None", is_instance(Family, NoneType)
    ),
}
"""By the arguments' names; numbers are checked where their limits are."""

_FAMILY = Constraint(
    "a name, the path of a YAML file, a recipe or a family", is_instance(str, Path, Family, FamilyRecipe)
)


def checked(verb: Callable[P, T]) -> Callable[P, T]:
    """A verb that refuses wrong arguments in one line, a UserError, before it does anything.

    Args:
        verb: its arguments are named as in `CONSTRAINTS`. A required `family` may be a name or a recipe too.
    """
    family = signature(verb).parameters.get("family")
    required = family is not None and family.default is Parameter.empty
    return validate_arguments({**CONSTRAINTS, "family": _FAMILY} if required else CONSTRAINTS)(verb)
