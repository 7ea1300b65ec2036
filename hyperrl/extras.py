"""Packages that not everybody needs, by the extra of `pip install hyperrl[...]`."""

import warnings
from collections.abc import Iterable
from importlib import import_module
from importlib.util import find_spec

from hyperrl.errors import UserError, check_known, user_syntax

EXTRAS = {
    "mujoco": "mujoco",
    "box2d": "Box2D",
    "contrib": "sb3_contrib",
    "wandb": "wandb",
    "mlflow": "mlflow",
    "ray": "ray",
    "minari": "minari",
    "tune": "optuna",
    "search": "cma",
    "front": "moocore",
}
"""Extra to the module that it brings."""

TRACKERS = ("wandb", "mlflow")
"""Services that a training may log to; each is the extra that brings its package."""


def is_missing(extra: str | None) -> bool:
    """Whether an extra's module cannot be found; False for None. Nothing is imported.

    A folder of the module's name, such as W&B's `wandb` in the working folder, is not the module.
    """
    if extra is None:
        return False
    spec = find_spec(EXTRAS[extra])
    return spec is None or spec.origin is None


def refuse_missing(extra: str | None, what: str) -> None:
    """UserError, beginning with `what`, where an extra's module cannot be found."""
    if is_missing(extra):
        raise UserError(f"{what} needs an extra: pip install 'hyperrl[{extra}]'")


def check_trackers(names: Iterable[str]) -> tuple[str, ...]:
    """The trackers of these names, each once; UserError for an unknown one, or one whose extra is missing."""
    option = user_syntax("track", "--track")
    check_known(option, "tracker", names, TRACKERS)
    chosen = tuple(dict.fromkeys(names))
    for name in chosen:
        refuse_missing(name, f"{option} {name}")
    return chosen


def load_extra(extra: str) -> None:
    """Import an extra's module.

    SWIG's types, in Box2D, warn when they are imported; where warnings are errors that ends the interpreter.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        import_module(EXTRAS[extra])
