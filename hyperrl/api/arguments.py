"""What the arguments of the verbs may be, checked before anything is opened or loaded."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from numbers import Integral, Real
from pathlib import Path
from typing import Any, NamedTuple, ParamSpec, TypeVar

from hyperrl.errors import UserError, nearest
from hyperrl.recipes import AgentRecipe, FamilyRecipe
from hyperrl.store import Run
from hyperrl.tasks import Family

P = ParamSpec("P")
T = TypeVar("T")
_SHOWN = 80


class Kind(NamedTuple):
    """How a message says what an argument may be, and whether a value is that."""

    allowed: str
    holds: Callable[[Any], bool]


def _of(*types: type) -> Callable[[Any], bool]:
    return lambda found: isinstance(found, types)


def _optional(*types: type) -> Callable[[Any], bool]:
    return lambda found: found is None or isinstance(found, types)


def _list_of(holds: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """Whether it is a list of such things; text is a list of none but itself."""
    return lambda found: isinstance(found, Sequence) and not isinstance(found, str) and all(map(holds, found))


def _is_sweep(found: Any) -> bool:
    if not isinstance(found, Sequence) or isinstance(found, str) or len(found) != 4:
        return False
    feature, low, high, count = found
    return isinstance(feature, str) and all(map(_is_number, (low, high))) and isinstance(count, Integral)


def _is_number(found: Any) -> bool:
    return isinstance(found, Real) and not isinstance(found, bool)


_RUN = _of(str, Path, Run)
_NAMES = Kind("a list of texts", _list_of(_of(str)))
_FLAG = Kind("True or False", _of(bool))
_PATH = Kind("a path, or None", _optional(str, Path))

KINDS: dict[str, Kind] = {
    "agent": Kind("a name, the path of a YAML file, or a recipe", _of(str, Path, AgentRecipe)),
    "run": Kind("a run, or the path of its directory", _RUN),
    "runs": Kind(
        "a run, the path of its directory, or a list of them", lambda x: _RUN(x) or _list_of(_RUN)(x)
    ),
    "from_run": Kind("a run, the path of its directory, or None", _optional(str, Path, Run)),
    "context": Kind("a dictionary of features' values, such as {'c0': 2}", _of(Mapping)),
    "contexts": Kind("a list of dictionaries, such as [{'c0': 2}]", _list_of(_of(Mapping))),
    "leave_out": Kind("a list of dictionaries, such as [{'c0': 2}]", _list_of(_of(Mapping))),
    "sweep": Kind("a list of (feature, low, high, count), such as [('c0', -1, 1, 5)]", _list_of(_is_sweep)),
    "splits": Kind("a list of splits, such as ['train'], or None", lambda x: x is None or _NAMES.holds(x)),
    "hidden": _NAMES,
    "overrides": _NAMES,
    "allow_import": _NAMES,
    "checkpoint": Kind("'best', 'latest', a number of steps, or None", _optional(str, Integral)),
    "device": Kind("'cpu', 'cuda', 'cuda:1', 'mps' or 'auto'", _of(str)),
    "format": Kind("'torch', 'onnx' or 'sb3'", _of(str)),
    "quantize": Kind("'int8', or None", _optional(str)),
    "budget": Kind("a share of the parameters, above 0, at most 1", lambda x: x is None or _is_number(x)),
    "out": _PATH,
    "video": _PATH,
    "deterministic": _FLAG,
    "detect_anomaly": _FLAG,
    "save": _FLAG,
    "force": _FLAG,
    "progress": Kind("a function of the work done and planned, or None", lambda x: x is None or callable(x)),
    "family": Kind("a family, as contextualize or Family.load give it, or None", _optional(Family)),
}
"""By the arguments' names; numbers are checked where their limits are."""

_FAMILY = Kind("a name, the path of a YAML file, a recipe or a family", _of(str, Path, Family, FamilyRecipe))


def checked(verb: Callable[P, T]) -> Callable[P, T]:
    """A verb that refuses wrong arguments in one line, a UserError, before it does anything.

    Args:
        verb: its arguments are named as in `KINDS`. A required `family` may be a name or a recipe too.
    """
    signature = inspect.signature(verb)
    kinds = {name: KINDS[name] for name in signature.parameters if name in KINDS}
    if "family" in kinds and signature.parameters["family"].default is inspect.Parameter.empty:
        kinds["family"] = _FAMILY

    @wraps(verb)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        for name in kwargs:
            if name not in signature.parameters:
                known = nearest(name, signature.parameters)
                raise UserError(f"{verb.__name__}: unknown argument {name!r}{known}")
        given = signature.bind(*args, **kwargs).arguments
        for name, kind in kinds.items():
            if name in given and not kind.holds(given[name]):
                raise UserError(f"{name}: found {_short(given[name])}; allowed: {kind.allowed}")
        return verb(*args, **kwargs)

    return call


def _short(found: Any) -> str:
    text = " ".join(repr(found).split())
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
