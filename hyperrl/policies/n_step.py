"""What a replay buffer bootstraps from: the return of one step or of several, and where it ends."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.buffers import ReplayBuffer
from stable_baselines3.common.vec_env import VecNormalize
from torch import Tensor

from hyperrl.tasks.contexts import ValueReader


class Returns(NamedTuple):
    """The returns of sampled transitions. A transition's number counts over all environments.

    Attributes:
        last: (row,), the number of the last transition of each return; targets bootstrap from what was
            observed after it.
        rewards: (row, 1), discounted sums of rewards.
        dones: (row, 1), 1 where the episode ended with the last transition, and not by a time limit.
        discounts: (row, 1), factors on the bootstrapped values; None: the algorithm's ``gamma``.
    """

    last: NDArray[np.intp]
    rewards: Tensor
    dones: Tensor
    discounts: Tensor | None


class OneStepReturns:
    """The reward of the transition alone."""

    n_steps = 1

    def __call__(self, buffer: ReplayBuffer, rows: NDArray[np.intp], env: VecNormalize | None) -> Returns:
        """The returns of transitions of a buffer.

        Args:
            buffer: Holds the transitions, (position, environment, ...).
            rows: (row,), their numbers.
            env: Normalizes rewards; None: they stay as they are.
        """
        done, timeout = (array.reshape(-1).take(rows) for array in (buffer.dones, buffer.timeouts))
        rewards = buffer._normalize_reward(buffer.rewards.reshape(-1).take(rows).reshape(-1, 1), env)
        dones = (done * (1 - timeout)).reshape(-1, 1)
        return Returns(rows, buffer.to_torch(rewards), buffer.to_torch(dones), None)


class NStepReturns:
    """The discounted rewards of up to n steps: Sutton and Barto, "Reinforcement Learning", 2018, eq. 7.1.

    A return ends early where its episode does, by a time limit too, and at the latest transition that was
    stored. The numbers are those of Stable-Baselines3's ``NStepReplayBuffer``.

    Args:
        n_steps: The number of steps, at least 1.
        gamma: The discount factor, in [0, 1].
    """

    def __init__(self, n_steps: int, gamma: float) -> None:
        self.n_steps, self.gamma = n_steps, gamma

    def __call__(self, buffer: ReplayBuffer, rows: NDArray[np.intp], env: VecNormalize | None) -> Returns:
        """The returns of transitions of a buffer; see :meth:`OneStepReturns.__call__`."""
        position, env_index = np.divmod(rows, buffer.n_envs)
        steps = np.arange(self.n_steps)
        positions = (position[:, None] + steps) % buffer.buffer_size
        follow = positions * buffer.n_envs + env_index[:, None]
        done, timeout, rewards = (
            array.reshape(-1).take(follow) for array in (buffer.dones, buffer.timeouts, buffer.rewards)
        )
        latest = (buffer.pos - 1) % buffer.buffer_size
        ends = (done > 0) | (timeout > 0) | (positions == latest)
        ends[:, -1] = True
        count = ends.argmax(axis=1, keepdims=True) + 1
        gamma = self._gamma_of(buffer, rows)
        factors = gamma ** steps.astype(np.float32)
        parts = buffer._normalize_reward(rewards, env) * factors * (steps < count)
        last = count - 1
        dones = np.take_along_axis(done * (1 - timeout), last, axis=1)
        return Returns(
            np.take_along_axis(follow, last, axis=1)[:, 0],
            buffer.to_torch(parts.sum(axis=1, keepdims=True)),
            buffer.to_torch(dones),
            buffer.to_torch(gamma ** count.astype(np.float32)),
        )

    def _gamma_of(self, buffer: Any, rows: NDArray[np.intp]) -> Any:
        """The discount factor of transitions: one number, or (row, 1)."""
        return self.gamma


class ReturnsPerTask(NStepReturns):
    """The discounted rewards of up to n steps, each task's with the discount factor that its context has.

    Args:
        n_steps: The number of steps, at least 1.
        reader: Reads the discount factor from contexts.
    """

    def __init__(self, n_steps: int, reader: ValueReader) -> None:
        super().__init__(n_steps, 1.0)
        self._reader = reader

    def _gamma_of(self, buffer: Any, rows: NDArray[np.intp]) -> NDArray[np.float32]:
        gammas: NDArray[np.float32] = self._reader(buffer.contexts_of(rows)).astype(np.float32)
        return gammas[:, None]


def returns_of(n_steps: int, gamma: float | None) -> OneStepReturns | NStepReturns:
    """Computes the returns of so many steps.

    Args:
        n_steps: At least 1.
        gamma: The algorithm's discount factor; needed beyond one step.

    Raises:
        ValueError: No step, or several and no discount factor.
    """
    if n_steps < 1:
        raise ValueError(f"n_steps: found {n_steps}; allowed: at least 1")
    if n_steps == 1:
        return OneStepReturns()
    if gamma is None:
        raise ValueError(f"gamma: found None; allowed: the algorithm's, where n_steps is {n_steps}")
    return NStepReturns(n_steps, gamma)


def end_returns(buffer: Any) -> None:
    """Marks unfinished episodes as cut off by a time limit, where their environments were reset."""
    latest = buffer.pos - 1
    buffer.timeouts[latest] = np.maximum(buffer.timeouts[latest], 1 - buffer.dones[latest])
