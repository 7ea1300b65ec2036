"""Dynamics whose episodes have a goal of their own, which the observation holds beside what was achieved."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from hyperrl.tasks.dynamics.base import Constants, Dynamics, DynamicsEnv, Floats


class GoalDynamics(Dynamics):
    """Dynamics that observe `observation`, `achieved_goal` and `desired_goal`.

    Plappert et al., "Multi-Goal Reinforcement Learning: Challenging Robotics Environments and Request for
    Research", 2018, section 2. The state holds the goal; a step pays what `goal_reward` says of the goals
    observed after it.
    """

    observation_space: gym.spaces.Dict
    part = "observation"

    @abstractmethod
    def measure(self, state: Floats) -> Floats:
        """What is observed of `state` (N, S) without goals, before it is rounded: (N, O)."""

    @abstractmethod
    def restore(self, observation: Mapping[str, NDArray[Any]]) -> Floats:
        """See `Dynamics.restore`."""

    @abstractmethod
    def goals(self, state: Floats) -> dict[str, NDArray[np.float32]]:
        """Observe the goals in `state` (N, S): new arrays `achieved_goal` and `desired_goal` (N, G)."""

    @abstractmethod
    def goal_reward(self, achieved: NDArray[Any], desired: NDArray[Any], context: Constants) -> Floats:
        """The rewards (N,) of what was achieved (N, G), had the goals been `desired` (N, G)."""


class GoalEnv(DynamicsEnv):
    """One environment over a `GoalDynamics` of ours, with the interface of gymnasium-robotics' goals."""

    dynamics: GoalDynamics

    def __init__(self, dynamics: GoalDynamics, render_mode: str | None = None) -> None:
        """See `DynamicsEnv`."""
        super().__init__(dynamics, render_mode)

    def _observation(self, state: Floats) -> dict[str, NDArray[np.float32]]:
        parts = {self.dynamics.part: self.dynamics.observe(state), **self.dynamics.goals(state)}
        return {name: part[0] for name, part in parts.items()}

    def compute_reward(
        self,
        achieved_goal: NDArray[Any],
        desired_goal: NDArray[Any],
        info: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    ) -> Any:
        """The reward in the present task of what was achieved, had the goal been another.

        Args:
            achieved_goal: (G,), or (N, G) for N of them.
            desired_goal: of the same shape.
            info: of the step, or one for each of N; it tells nothing here.

        Returns:
            One number, or an array (N,).
        """
        achieved, desired = np.atleast_2d(achieved_goal), np.atleast_2d(desired_goal)
        rewards = self.dynamics.goal_reward(achieved, desired, self._constants())
        return rewards if np.ndim(achieved_goal) > 1 else float(rewards[0])
