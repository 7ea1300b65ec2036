"""Packages that some environments and algorithms need, by the extra of `pip install hyperrl[...]`."""

import warnings
from importlib import import_module
from importlib.util import find_spec

from hyperrl.errors import UserError

EXTRAS = {"mujoco": "mujoco", "box2d": "Box2D", "contrib": "sb3_contrib"}
"""Extra to the module that it brings."""


def is_missing(extra: str | None) -> bool:
    """Whether an extra's module cannot be found; False for None. Nothing is imported."""
    return extra is not None and find_spec(EXTRAS[extra]) is None


def refuse_missing(extra: str | None, what: str) -> None:
    """UserError, beginning with `what`, where an extra's module cannot be found."""
    if is_missing(extra):
        raise UserError(f"{what} needs an extra: pip install 'hyperrl[{extra}]'")


def load_extra(extra: str) -> None:
    """Import an extra's module.

    SWIG's types, in Box2D, warn when they are imported; where warnings are errors that ends the interpreter.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        import_module(EXTRAS[extra])
