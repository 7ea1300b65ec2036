"""Packages that some base environments need, by the extra of `pip install hyperrl[...]` with them."""

import warnings
from importlib import import_module
from importlib.util import find_spec

EXTRAS = {"mujoco": "mujoco", "box2d": "Box2D"}
"""Extra to the module that it brings."""


def is_missing(extra: str | None) -> bool:
    """Whether an extra's module cannot be found; False for None. Nothing is imported."""
    return extra is not None and find_spec(EXTRAS[extra]) is None


def load_extra(extra: str) -> None:
    """Import an extra's module.

    SWIG's types, in Box2D, warn when they are imported; where warnings are errors that ends the interpreter.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        import_module(EXTRAS[extra])
