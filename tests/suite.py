"""The suite's families for tests: those whose base environment comes with an extra are skipped without it."""

from collections.abc import Iterable
from typing import Any

import pytest

from hyperrl.recipes import is_missing, load_family, shipped

PLAIN = [name for name in shipped("envs") if load_family(name).extra is None]
"""Families that need no extra."""
SIMULATED = [name for name in shipped("envs") if load_family(name).extra is not None]
"""Families that need one."""


def playable(names: Iterable[str] | None = None) -> list[Any]:
    """Families (by default all) as parameters of a test that makes their environments."""
    return [_parameter(name) for name in (shipped("envs") if names is None else names)]


def _parameter(name: str) -> Any:
    extra = load_family(name).extra
    reason = f"needs the extra: pip install 'hyperrl[{extra}]'"
    return pytest.param(name, marks=pytest.mark.skipif(is_missing(extra), reason=reason))
