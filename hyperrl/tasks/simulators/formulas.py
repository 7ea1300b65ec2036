"""What Gymnasium's MuJoCo environments observe and pay, for N of them at once.

Towers et al., "Gymnasium: A Standard Interface for Reinforcement Learning Environments", 2024, version 1.4:
each class here computes what the `step` of one environment (v5) does, in the same order and the same
precision, so that every number is the same bit for bit.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_CONTROL, _FORWARD, _ALIVE, _CONTACT = "reward_ctrl", "reward_forward", "reward_survive", "reward_contact"


class Outcome(NamedTuple):
    """A step of N environments.

    Attributes:
        observation: (N, O), new.
        reward: (N,).
        terminated: (N,).
        info: velocities and terms of the reward, as the environments' infos name them, (N,) each.
    """

    observation: Floats
    reward: Floats
    terminated: NDArray[np.bool_]
    info: dict[str, NDArray[Any]]


class Formulas(ABC):
    """Observation, reward and end of N environments of one class, after their simulations have advanced.

    Attributes:
        parameters: attributes of an environment that its step reads each time, beside `frame_skip` and the
            simulation.
        fixed: attributes that are read once and may not change.
        forces: whether it needs the forces on bodies (`cfrc_ext`).
    """

    parameters: ClassVar[tuple[str, ...]] = ()
    fixed: ClassVar[tuple[str, ...]] = ()
    forces: ClassVar[bool] = False

    def __init__(self, bases: Sequence[Any]) -> None:
        """Take the environments, unwrapped, all made with the same arguments."""
        self.bases, first = bases, bases[0]
        self._positions: int = first.model.nq
        self._views = [view for base in bases for view in (base.data.qpos, base.data.qvel)]
        self._shape = len(bases), first.model.nq + first.model.nv
        self._state: Floats = np.zeros(self._shape)

    @abstractmethod
    def before(self) -> None:
        """Take note of what a step must know of the state that it begins with."""

    @abstractmethod
    def after(self, action: NDArray[Any], parameters: Mapping[str, NDArray[Any]]) -> Outcome:
        """The outcome of a step with these actions (N, A), where each environment has these parameters."""

    def places(self, row: int) -> dict[str, Any]:
        """What the info of one environment says of where it is, beside the outcome's `info`."""
        return {}

    def _advanced(self) -> Floats:
        """The present positions and velocities (N, Q + V), in a new array."""
        self._state = np.concatenate(self._views).reshape(self._shape)
        return self._state


class InvertedPendulum(Formulas):
    """1 for each step with the pole within 0.2 rad."""

    def before(self) -> None:
        """Nothing: only the state that a step ends in counts."""

    def after(self, action: NDArray[Any], parameters: Mapping[str, NDArray[Any]]) -> Outcome:
        """See `Formulas.after`."""
        state = self._advanced()
        terminated = ~np.isfinite(state).all(axis=1) | (np.abs(state[:, 1]) > 0.2)
        alive = (~terminated).astype(np.int64)
        return Outcome(state, alive.astype(np.float64), terminated, {_ALIVE: alive})


class HalfCheetah(Formulas):
    """Pays for moving forward, less a cost of control; others that do so build on it.

    Attributes:
        axes: horizontal axes along which the body moves; observations leave its place on them out.
        largest: velocities are clipped to this size in observations.
    """

    parameters: ClassVar[tuple[str, ...]] = (
        "_forward_reward_weight",
        "_ctrl_cost_weight",
    )
    fixed: ClassVar[tuple[str, ...]] = ("_exclude_current_positions_from_observation",)
    axes: ClassVar[int] = 1
    largest: ClassVar[float | None] = None

    def __init__(self, bases: Sequence[Any]) -> None:
        """See `Formulas`."""
        super().__init__(bases)
        self._skip = self.axes if bases[0]._exclude_current_positions_from_observation else 0
        self._tracked = [self._tracked_place(base) for base in bases]
        self._from = np.zeros((len(bases), self.axes))

    def _tracked_place(self, base: Any) -> Floats:
        """View of the place whose velocity pays, (axes,)."""
        view: Floats = base.data.qpos[: self.axes]
        return view

    def before(self) -> None:
        """See `Formulas.before`."""
        np.concatenate(self._tracked, out=self._from.reshape(-1))

    def after(self, action: NDArray[Any], parameters: Mapping[str, NDArray[Any]]) -> Outcome:
        """See `Formulas.after`."""
        state = self._advanced()
        moved = np.concatenate(self._tracked).reshape(self._from.shape) - self._from
        velocity = moved / (parameters["timestep"] * parameters["frame_skip"])[:, None]
        info = {f"{axis}_velocity": velocity[:, index] for index, axis in enumerate("xy"[: self.axes])}
        info[_FORWARD] = parameters["_forward_reward_weight"] * velocity[:, 0]
        cost = _in_precision_of(action, parameters["_ctrl_cost_weight"]) * np.square(action).sum(axis=1)
        info[_CONTROL] = -cost
        reward, terminated = self._pay(state, cost, parameters, info)
        return Outcome(self._observe(state), reward, terminated, info)

    def _pay(
        self,
        state: Floats,
        cost: NDArray[Any],
        parameters: Mapping[str, NDArray[Any]],
        info: dict[str, NDArray[Any]],
    ) -> tuple[Floats, NDArray[np.bool_]]:
        """Reward and end, given the cost of control; adds further terms to `info`."""
        return info[_FORWARD] - cost, np.zeros(len(state), np.bool_)

    def _observe(self, state: Floats) -> Floats:
        observation = state[:, self._skip :].copy()
        if self.largest is not None:
            velocities = observation[:, self._positions - self._skip :]
            np.minimum(np.maximum(velocities, -self.largest), self.largest, out=velocities)
        return observation

    def places(self, row: int) -> dict[str, Any]:
        """See `Formulas.places`."""
        return {"x_position": self._state[row, 0]}


class Walker2d(HalfCheetah):
    """Pays for standing too, and ends by a fall."""

    parameters = (
        *(*HalfCheetah.parameters, "_healthy_reward", "_terminate_when_unhealthy"),
        *("_healthy_z_range", "_healthy_angle_range"),
    )
    largest = 10.0

    def _healthy(self, state: Floats, parameters: Mapping[str, NDArray[Any]]) -> NDArray[np.bool_]:
        """Whether each stands."""
        return _between(state[:, 1], parameters["_healthy_z_range"]) & _between(
            state[:, 2], parameters["_healthy_angle_range"]
        )

    def _pay(
        self,
        state: Floats,
        cost: NDArray[Any],
        parameters: Mapping[str, NDArray[Any]],
        info: dict[str, NDArray[Any]],
    ) -> tuple[Floats, NDArray[np.bool_]]:
        healthy = self._healthy(state, parameters)
        info[_ALIVE] = healthy * parameters["_healthy_reward"]
        reward = info[_FORWARD] + info[_ALIVE] - cost
        return reward, ~healthy & parameters["_terminate_when_unhealthy"]

    def places(self, row: int) -> dict[str, Any]:
        """See `Formulas.places`."""
        height = self._state[row, 1] - self.bases[row].init_qpos[1]
        return {"x_position": self._state[row, 0], "z_distance_from_origin": height}


class Hopper(Walker2d):
    """Falls by any large position or velocity too."""

    parameters = (*Walker2d.parameters, "_healthy_state_range")

    def _healthy(self, state: Floats, parameters: Mapping[str, NDArray[Any]]) -> NDArray[np.bool_]:
        inside = _between(state[:, 2:], parameters["_healthy_state_range"][:, None]).all(axis=1)
        return inside & super()._healthy(state, parameters)


class Swimmer(HalfCheetah):
    """Moves in the plane, and is paid along x."""

    axes = 2

    def places(self, row: int) -> dict[str, Any]:
        """See `Formulas.places`."""
        x, y = place = self._state[row, :2]
        return {"x_position": x, "y_position": y, "distance_from_origin": np.linalg.norm(place, ord=2)}


class Ant(Swimmer):
    """Follows its main body, pays for standing and for soft contacts, and observes the forces on bodies."""

    parameters = (
        *(*HalfCheetah.parameters, "_healthy_reward", "_terminate_when_unhealthy", "_healthy_z_range"),
        *("_contact_cost_weight", "_contact_force_range"),
    )
    fixed = (*HalfCheetah.fixed, "_main_body", "_include_cfrc_ext_in_observation")
    forces = True

    def __init__(self, bases: Sequence[Any]) -> None:
        """See `Formulas`."""
        super().__init__(bases)
        self._felt = [base.data.cfrc_ext.reshape(-1) for base in bases]
        self._observed_forces: bool = bases[0]._include_cfrc_ext_in_observation

    def _tracked_place(self, base: Any) -> Floats:
        view: Floats = base.data.body(base._main_body).xpos[:2]
        return view

    def _pay(
        self,
        state: Floats,
        cost: NDArray[Any],
        parameters: Mapping[str, NDArray[Any]],
        info: dict[str, NDArray[Any]],
    ) -> tuple[Floats, NDArray[np.bool_]]:
        low, high = parameters["_contact_force_range"].T[..., None]
        self._forces = np.clip(np.concatenate(self._felt).reshape(len(state), -1), low, high)
        contact = parameters["_contact_cost_weight"] * np.square(self._forces).sum(axis=1)
        info[_CONTACT] = -contact
        least, most = parameters["_healthy_z_range"].T
        healthy = np.isfinite(state).all(axis=1) & (least <= state[:, 2]) & (state[:, 2] <= most)
        info[_ALIVE] = healthy * parameters["_healthy_reward"]
        reward = info[_FORWARD] + info[_ALIVE] - (cost + contact)
        return reward, ~healthy & parameters["_terminate_when_unhealthy"]

    def _observe(self, state: Floats) -> Floats:
        observation = super()._observe(state)
        return np.hstack([observation, self._forces[:, 6:]]) if self._observed_forces else observation


def _between(value: Floats, limits: Floats) -> NDArray[np.bool_]:
    """Whether values (N, ...) lie strictly between limits (N, ..., 2)."""
    inside: NDArray[np.bool_] = (limits[..., 0] < value) & (value < limits[..., 1])
    return inside


def _in_precision_of(action: NDArray[Any], weight: NDArray[Any]) -> NDArray[Any]:
    """A weight as Python's number would count beside an action: in single precision beside such a one."""
    return weight.astype(action.dtype) if action.dtype.kind == "f" else weight


_MODULE = "gymnasium.envs.mujoco"
FORMULAS: dict[str, type[Formulas]] = {
    f"{_MODULE}.ant_v5:AntEnv": Ant,
    f"{_MODULE}.half_cheetah_v5:HalfCheetahEnv": HalfCheetah,
    f"{_MODULE}.hopper_v5:HopperEnv": Hopper,
    f"{_MODULE}.inverted_pendulum_v5:InvertedPendulumEnv": InvertedPendulum,
    f"{_MODULE}.swimmer_v5:SwimmerEnv": Swimmer,
    f"{_MODULE}.walker2d_v5:Walker2dEnv": Walker2d,
}
"""An environment's class and its formulas; a class that inherits from one of these has none."""
