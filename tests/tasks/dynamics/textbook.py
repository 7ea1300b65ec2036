"""Each family's equations of motion, written from the textbook in scalars, independently of the library."""

import math
from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np

State = Sequence[float]
Context = Mapping[str, float]


def clip(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)


def ode(state: State, action: State, c: Context, force: float = 1.0) -> tuple[list[float], float]:
    z = force * complex(clip(action[0], -1, 1), clip(action[1], -1, 1))
    x = clip(state[0] + 0.01 * (c["c0"] * z + c.get("c1", 0.0) * z**2).real, -20, 20)
    for edge, reward in ((0.05, 1.0), (0.1, 1 / 2), (0.2, 1 / 3), (0.5, 1 / 4), (2.0, 0.05)):
        if abs(x) < edge:
            return [x], reward
    return [x], 0.0


def point_goal(state: State, action: State, c: Context) -> tuple[list[float], float]:
    vx, vy = (clip(v + 0.1 * a, -1, 1) for v, a in zip(state[2:], action, strict=True))
    x, y = clip(state[0] + 0.1 * vx, -2, 2), clip(state[1] + 0.1 * vy, -2, 2)
    away = math.hypot(x - math.cos(c["angle"]), y - math.sin(c["angle"]))
    return [x, y, vx, vy], -away - 0.01 * (action[0] ** 2 + action[1] ** 2)


def double_integrator(state: State, action: State, c: Context) -> tuple[list[float], float]:
    x, y = (clip(p + 0.1 * v, -1, 1) for p, v in zip(state[:2], state[2:], strict=True))
    force = [clip(c["action_sign"] * a, -1, 1) for a in action]
    vx, vy = (clip(v + 0.1 * f / c["mass"], -1, 1) for v, f in zip(state[2:], force, strict=True))
    return [x, y, vx, vy], 1.0 if math.hypot(x, y) <= 0.1 else 0.0


def double_integrator_permuted(state: State, action: State, c: Context) -> tuple[list[float], float]:
    first, second = action
    pushes = [second, first] if c["axes"] > 0.5 else [first, second]
    return double_integrator(state, pushes, {"action_sign": 1.0, "mass": c["mass"]})


def double_integrator_friction(state: State, action: State, c: Context) -> tuple[list[float], float]:
    x, y = (clip(p + 0.1 * v, -1, 1) for p, v in zip(state[:2], state[2:], strict=True))
    pushes = [clip(a, -1, 1) - c["friction"] * v for a, v in zip(action, state[2:], strict=True)]
    vx, vy = (clip(v + 0.1 * f / c["mass"], -1, 1) for v, f in zip(state[2:], pushes, strict=True))
    return [x, y, vx, vy], 1.0 if math.hypot(x, y) <= 0.1 else 0.0


def point_reach(state: State, action: State, c: Context) -> tuple[list[float], float]:
    """Newton's law against friction of 1 N s/m, velocity first."""
    pushes = [clip(c["action_sign"] * a, -1, 1) - v for a, v in zip(action, state[2:4], strict=True)]
    vx, vy = (v + 0.1 * push / c["mass"] for v, push in zip(state[2:4], pushes, strict=True))
    x, y = clip(state[0] + 0.1 * vx, -3, 3), clip(state[1] + 0.1 * vy, -3, 3)
    reached = math.hypot(x - state[4], y - state[5]) <= 0.1
    return [x, y, vx, vy, *state[4:]], 0.0 if reached else -1.0


def cartpole(state: State, action: int, c: Context) -> tuple[list[float], float]:
    """Cart and uniform rod of half-length l: the two Lagrange equations, solved for the accelerations."""
    x, v, angle, spin = state
    m, length = c["masspole"], c["length"]
    force = c["force_mag"] if action == 1 else -c["force_mag"]
    mass_matrix = np.array(
        [
            [c["masscart"] + m, m * length * math.cos(angle)],
            [m * length * math.cos(angle), 4 / 3 * m * length**2],
        ]
    )
    forces = np.array(
        [force + m * length * spin**2 * math.sin(angle), m * c["gravity"] * length * math.sin(angle)]
    )
    cart, pole = np.linalg.solve(mass_matrix, forces)
    return [x + 0.02 * v, v + 0.02 * cart, angle + 0.02 * spin, spin + 0.02 * pole], 1.0


def pendulum(state: State, action: State, c: Context) -> tuple[list[float], float]:
    """Uniform rod of length l about its end: inertia m l^2 / 3, weight at l / 2, angle from upright."""
    angle, spin = state
    torque = clip(action[0], -2, 2)
    inertia = c["m"] * c["l"] ** 2 / 3
    turned = clip(spin + 0.05 * (c["m"] * c["g"] * c["l"] / 2 * math.sin(angle) + torque) / inertia, -8, 8)
    upright = math.remainder(angle, 2 * math.pi)
    return [angle + 0.05 * turned, turned], -(upright**2 + 0.1 * spin**2 + 0.001 * torque**2)


def pendulum_actuator(state: State, action: State, c: Context) -> tuple[list[float], float]:
    return pendulum(state, [c["action_sign"] * action[0]], {"l": 1.0, "g": 10.0, **c})


def acrobot(state: State, action: int, c: Context) -> tuple[list[float], float]:
    """Two links, torque on the elbow: M(q) q'' + h(q, q') + g(q) = (0, torque), Runge-Kutta over 0.2 s."""
    l1, c1, c2 = c["LINK_LENGTH_1"], c["LINK_COM_POS_1"], c["LINK_COM_POS_2"]
    m1, m2 = c["LINK_MASS_1"], c["LINK_MASS_2"]

    def rate(
        s: "np.ndarray[tuple[int], np.dtype[np.float64]]",
    ) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
        q1, q2, w1, w2 = s
        coupling = m2 * (c2**2 + l1 * c2 * math.cos(q2)) + 1
        mass_matrix = [
            [m1 * c1**2 + m2 * (l1**2 + c2**2 + 2 * l1 * c2 * math.cos(q2)) + 2, coupling],
            [coupling, m2 * c2**2 + 1],
        ]
        swing = m2 * l1 * c2 * math.sin(q2)
        lower = m2 * 9.8 * c2 * math.sin(q1 + q2)
        forces = [
            swing * w2**2 + 2 * swing * w1 * w2 - (m1 * c1 + m2 * l1) * 9.8 * math.sin(q1) - lower,
            (action - 1) - swing * w1**2 - lower,
        ]
        return np.array([w1, w2, *np.linalg.solve(mass_matrix, forces)])

    s = np.array(state, np.float64)
    k1 = rate(s)
    k2 = rate(s + 0.1 * k1)
    k3 = rate(s + 0.1 * k2)
    k4 = rate(s + 0.2 * k3)
    q1, q2, w1, w2 = s + 0.2 / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    q1, q2 = (math.remainder(q, 2 * math.pi) for q in (q1, q2))
    w1, w2 = clip(w1, -4 * math.pi, 4 * math.pi), clip(w2, -9 * math.pi, 9 * math.pi)
    return [q1, q2, w1, w2], 0.0 if -math.cos(q1) - math.cos(q1 + q2) > 1 else -1.0


def mountain_car(state: State, action: State, c: Context) -> tuple[list[float], float]:
    speed = clip(
        state[1] + clip(action[0], -1, 1) * c["power"] - 0.0025 * math.cos(3 * state[0]), -0.07, 0.07
    )
    position = clip(state[0] + speed, -1.2, 0.6)
    speed = 0.0 if position == -1.2 and speed < 0 else speed
    return [position, speed], (100.0 if position >= 0.45 and speed >= 0 else 0.0) - 0.1 * action[0] ** 2


def wall_gap(state: State, action: int, c: Context) -> tuple[list[float], float]:
    column, row = state
    right, up = [(-1, 0), (1, 0), (0, 1), (0, -1)][action]
    x, y = column + right, row + up
    gaps: dict[float, float] = {2: round(c["near"]), 4: round(c["far"])}
    gap = gaps.get(y, x)
    return [x, y] if 0 <= x <= 8 and 0 <= y <= 6 and x == gap else [column, row], -1.0


def deep_sea(state: State, action: int, c: Context) -> tuple[list[float], float]:
    """bsuite's rules; its random actions are those of the family's file."""
    size, (row, column) = round(c["size"]), map(round, state)
    if row == 20:
        return [row, column], 0.0
    right = int(action) == int(np.random.default_rng(0).integers(2, size=(20, 20))[row, column])
    reward = (1.0 if right and column == size - 1 else 0.0) - (0.01 / size if right else 0.0)
    after = min(column + 1, size - 1) if right else max(column - 1, 0)
    return [row + 1 if row + 1 < size else 20, after], reward


EQUATIONS = {
    "ode": ode,
    "ode-2d": ode,
    "ode-aib": ode,
    "ode-da": partial(ode, force=100.0),
    "ode-da-2d": partial(ode, force=10.0),
    "point-goal": point_goal,
    "point-reach": point_reach,
    "double-integrator": double_integrator,
    "double-integrator-friction": double_integrator_friction,
    "double-integrator-permuted": double_integrator_permuted,
    "cartpole": cartpole,
    "pendulum": pendulum,
    "pendulum-actuator": pendulum_actuator,
    "acrobot": acrobot,
    "wall-gap": wall_gap,
    "deep-sea": deep_sea,
    "mountaincar": mountain_car,
}
