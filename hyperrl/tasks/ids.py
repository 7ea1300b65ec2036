"""What Gymnasium calls to make `hyperrl/NAME-v0`."""

from functools import cache
from typing import Any

import gymnasium as gym

from hyperrl.tasks.family import Family


def make_family(family: str, split: str = "train", render_mode: str | None = None) -> gym.Env[Any, Any]:
    """Make an environment of a shipped family; what `gymnasium.make("hyperrl/NAME-v0", split=...)` calls."""
    return _shipped(family).make(split, render_mode=render_mode)


@cache
def _shipped(name: str) -> Family:
    return Family.load(name)
