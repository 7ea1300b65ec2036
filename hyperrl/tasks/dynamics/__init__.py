"""Dynamics as NumPy functions on arrays: our own base environments, and batches of two of Gymnasium's."""

from collections.abc import Callable, Mapping
from typing import Any

from hyperrl.tasks.dynamics.base import Dynamics, DynamicsEnv
from hyperrl.tasks.dynamics.cartpole import CartPole
from hyperrl.tasks.dynamics.deep_sea import DeepSea, DeepSeaEnv
from hyperrl.tasks.dynamics.double_integrator import (
    DoubleIntegrator,
    DoubleIntegratorEnv,
    DoubleIntegratorFriction,
    DoubleIntegratorFrictionEnv,
)
from hyperrl.tasks.dynamics.goal import GoalDynamics, GoalEnv
from hyperrl.tasks.dynamics.ode import Ode, OdeEnv
from hyperrl.tasks.dynamics.pendulum import Pendulum
from hyperrl.tasks.dynamics.point_goal import PointGoal, PointGoalEnv
from hyperrl.tasks.dynamics.point_reach import PointReach, PointReachEnv
from hyperrl.tasks.dynamics.wall_gap import WallGap, WallGapEnv

_BATCHED: dict[str, tuple[Callable[..., Dynamics], frozenset[str]]] = {
    f"{__name__}:OdeEnv": (Ode, frozenset({"dimension", "force", "starts"})),
    f"{__name__}:PointGoalEnv": (PointGoal, frozenset()),
    f"{__name__}:PointReachEnv": (PointReach, frozenset()),
    f"{__name__}:DoubleIntegratorEnv": (DoubleIntegrator, frozenset()),
    f"{__name__}:DoubleIntegratorFrictionEnv": (DoubleIntegratorFriction, frozenset()),
    f"{__name__}:WallGapEnv": (WallGap, frozenset()),
    f"{__name__}:DeepSeaEnv": (DeepSea, frozenset({"largest", "mapping_seed"})),
    "gymnasium.envs.classic_control.cartpole:CartPoleEnv": (CartPole, frozenset()),
    "gymnasium.envs.classic_control.pendulum:PendulumEnv": (Pendulum, frozenset()),
}
"""A registration's entry point to its dynamics and the keyword arguments that these take."""


def batched_dynamics(entry_point: str, kwargs: Mapping[str, Any]) -> Dynamics | None:
    """Find the batched dynamics of an entry point; None where there are none, or not with these arguments."""
    if entry_point not in _BATCHED:
        return None
    make, known = _BATCHED[entry_point]
    return make(**kwargs) if set(kwargs) <= known else None


def reward_splitter(base: Any) -> Callable[[Any, float], dict[str, float]] | None:
    """Find what tells the terms of a reward that an environment's infos do not tell; None: nothing does.

    It takes the environment, unwrapped, and the reward of its latest step.
    """
    dynamics, _ = _BATCHED.get(f"{type(base).__module__}:{type(base).__qualname__}", (None, None))
    return getattr(dynamics, "split_reward", None)


__all__ = [
    "CartPole",
    "DeepSea",
    "DeepSeaEnv",
    "DoubleIntegrator",
    "DoubleIntegratorEnv",
    "DoubleIntegratorFriction",
    "DoubleIntegratorFrictionEnv",
    "Dynamics",
    "DynamicsEnv",
    "GoalDynamics",
    "GoalEnv",
    "Ode",
    "OdeEnv",
    "Pendulum",
    "PointGoal",
    "PointGoalEnv",
    "PointReach",
    "PointReachEnv",
    "WallGap",
    "WallGapEnv",
    "batched_dynamics",
    "reward_splitter",
]
