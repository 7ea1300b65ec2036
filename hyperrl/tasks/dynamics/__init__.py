"""Dynamics as NumPy functions on arrays: our own base environments, and batches of two of Gymnasium's."""

from collections.abc import Callable, Mapping
from typing import Any

from hyperrl.tasks.dynamics.base import Dynamics, DynamicsEnv
from hyperrl.tasks.dynamics.cartpole import CartPole
from hyperrl.tasks.dynamics.double_integrator import DoubleIntegrator, DoubleIntegratorEnv
from hyperrl.tasks.dynamics.friction import DoubleIntegratorFriction, DoubleIntegratorFrictionEnv
from hyperrl.tasks.dynamics.ode import Ode, OdeEnv
from hyperrl.tasks.dynamics.pendulum import Pendulum
from hyperrl.tasks.dynamics.point_goal import PointGoal, PointGoalEnv
from hyperrl.tasks.dynamics.scaled import ScaledDynamics

_BATCHED: dict[str, tuple[Callable[..., Dynamics], frozenset[str]]] = {
    "hyperrl-base/ode-v0": (Ode, frozenset({"dimension", "force", "starts"})),
    "hyperrl-base/point-goal-v0": (PointGoal, frozenset()),
    "hyperrl-base/double-integrator-v0": (DoubleIntegrator, frozenset()),
    "hyperrl-base/double-integrator-friction-v0": (DoubleIntegratorFriction, frozenset()),
    "CartPole-v0": (CartPole, frozenset()),
    "CartPole-v1": (CartPole, frozenset()),
    "Pendulum-v1": (Pendulum, frozenset()),
}
"""Base id to its dynamics and the keyword arguments that these take."""


def batched_dynamics(base: str, kwargs: Mapping[str, Any]) -> Dynamics | None:
    """Find the batched dynamics of a base id; None where there are none, or not with these arguments."""
    if base not in _BATCHED:
        return None
    make, known = _BATCHED[base]
    return make(**kwargs) if set(kwargs) <= known else None


__all__ = [
    "CartPole",
    "DoubleIntegrator",
    "DoubleIntegratorEnv",
    "DoubleIntegratorFriction",
    "DoubleIntegratorFrictionEnv",
    "Dynamics",
    "DynamicsEnv",
    "Ode",
    "OdeEnv",
    "Pendulum",
    "PointGoal",
    "PointGoalEnv",
    "ScaledDynamics",
    "batched_dynamics",
]
