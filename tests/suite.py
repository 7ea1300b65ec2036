"""The suite's families and agents for tests: those that need an extra are skipped without it."""

from collections.abc import Iterable
from typing import Any

import pytest

from hyperrl.recipes import is_missing, load_agent, load_family, shipped

PLAIN = [name for name in shipped("envs") if load_family(name).extra is None]
"""Families that need no extra."""
SIMULATED = [name for name in shipped("envs") if load_family(name).extra is not None]
"""Families that need one."""


def playable(names: Iterable[str] | None = None) -> list[Any]:
    """Families (by default all) as parameters of a test that makes their environments."""
    return [_parameter(name) for name in (shipped("envs") if names is None else names)]


def _parameter(name: str) -> Any:
    return pytest.param(name, marks=needs(load_family(name).extra))


def learnable(agent: str, *others: Any) -> Any:
    """An agent, and whatever goes with it, as a parameter of a test that has it learn."""
    return pytest.param(agent, *others, marks=needs(load_agent(agent).algorithm.extra))


def needs(extra: str | None) -> pytest.MarkDecorator:
    """Skips a test where an extra is not installed."""
    return pytest.mark.skipif(is_missing(extra), reason=f"needs the extra: pip install 'hyperrl[{extra}]'")


def family_for(agent: str, otherwise: str = "ode") -> str:
    """A small family that an agent's algorithm can learn, by the kind of its actions."""
    by_kind = {"discrete": "cartpole", "masked": "wall-gap"}
    return by_kind.get(load_agent(agent).algorithm.actions, otherwise)
