"""Dynamics as NumPy functions on arrays: our own base environments, and batches of two of Gymnasium's."""

from collections.abc import Callable, Mapping
from typing import Any

from hyperrl.tasks.dynamics.base import Dynamics, DynamicsEnv
from hyperrl.tasks.dynamics.cartpole import CartPole
from hyperrl.tasks.dynamics.double_integrator import DoubleIntegrator, DoubleIntegratorEnv
from hyperrl.tasks.dynamics.ode import Ode, OdeEnv
from hyperrl.tasks.dynamics.pendulum import Pendulum
from hyperrl.tasks.dynamics.point_goal import PointGoal, PointGoalEnv

_OURS: dict[str, Callable[..., Dynamics]] = {
    "hyperrl-base/ode-v0": Ode,
    "hyperrl-base/point-goal-v0": PointGoal,
    "hyperrl-base/double-integrator-v0": DoubleIntegrator,
}
_GYMNASIUMS: dict[str, Callable[[], Dynamics]] = {
    "CartPole-v0": CartPole,
    "CartPole-v1": CartPole,
    "Pendulum-v1": Pendulum,
}


def batched_dynamics(base: str, kwargs: Mapping[str, Any]) -> Dynamics | None:
    """Find the batched dynamics of a base id; None where there are none, or not with these arguments."""
    if base in _OURS:
        return _OURS[base](**kwargs)
    if base in _GYMNASIUMS and not kwargs:
        return _GYMNASIUMS[base]()
    return None


__all__ = [
    "CartPole",
    "DoubleIntegrator",
    "DoubleIntegratorEnv",
    "Dynamics",
    "DynamicsEnv",
    "Ode",
    "OdeEnv",
    "Pendulum",
    "PointGoal",
    "PointGoalEnv",
    "batched_dynamics",
]
