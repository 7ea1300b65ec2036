"""Packages that some base environments need, by the extra of `pip install hyperrl[...]` with them."""

from importlib.util import find_spec

EXTRAS = {"mujoco": "mujoco", "box2d": "Box2D"}
"""Extra to the module that it brings."""


def is_missing(extra: str | None) -> bool:
    """Whether an extra's module cannot be found; False for None. Nothing is imported."""
    return extra is not None and find_spec(EXTRAS[extra]) is None
