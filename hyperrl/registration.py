"""Every family of the suite, and our base environments, as Gymnasium ids; making one loads their code."""

from functools import cache
from typing import TYPE_CHECKING, Any

import gymnasium as gym

from hyperrl.shipped import shipped

if TYPE_CHECKING:
    from hyperrl.tasks import Family

_BASES = (
    ("ode", "OdeEnv", 200),
    ("point-goal", "PointGoalEnv", 100),
    ("point-reach", "PointReachEnv", 50),
    ("double-integrator", "DoubleIntegratorEnv", 100),
    ("double-integrator-friction", "DoubleIntegratorFrictionEnv", 100),
    ("wall-gap", "WallGapEnv", 50),
    ("deep-sea", "DeepSeaEnv", 1000),
)


def register() -> None:
    """Register `hyperrl-base/NAME-v0` and `hyperrl/NAME-v0` (keyword `split`); idempotent."""
    for name, entry, steps in _BASES:
        _register(f"hyperrl-base/{name}-v0", f"hyperrl.tasks.dynamics:{entry}", max_episode_steps=steps)
    for name in shipped("envs"):
        kwargs = {"family": name, "split": "train"}
        _register(f"hyperrl/{name}-v0", f"{__name__}:make_family", kwargs=kwargs)


def _register(id: str, entry_point: str, **kwargs: Any) -> None:
    if id not in gym.registry:
        gym.register(id, entry_point=entry_point, **kwargs)


def make_family(family: str, split: str = "train", render_mode: str | None = None) -> gym.Env[Any, Any]:
    """Make an environment of a shipped family; what `gymnasium.make("hyperrl/NAME-v0", split=...)` calls."""
    return _load(family).make(split, render_mode=render_mode)


@cache
def _load(family: str) -> "Family":
    from hyperrl.tasks import Family

    return Family.load(family)
