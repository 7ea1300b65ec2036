"""Many environments at once whose last observations are stacked."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from hyperrl.tasks.carriers import Carriers
from hyperrl.tasks.contexts import ContextSpace
from hyperrl.tasks.dynamics import Dynamics
from hyperrl.tasks.frame_stack import FrameStack, Window
from hyperrl.tasks.spaces import contextual_space, parts_of
from hyperrl.tasks.vector.batched import BatchedEnv


class StackedBatchedEnv(BatchedEnv):
    """`BatchedEnv` that stacks the last N observations of each environment, as `FrameStack` says."""

    def __init__(
        self,
        frames: int,
        dynamics: Dynamics,
        space: ContextSpace,
        carriers: Carriers,
        num_envs: int,
        max_steps: int,
        **options: Any,
    ) -> None:
        """Take N, and the rest as `BatchedEnv` does."""
        super().__init__(dynamics, space, carriers, num_envs, max_steps, **options)
        stack = FrameStack(dynamics.observation_space, frames)
        self.single_observation_space = contextual_space(stack.space, space.box)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        observed = parts_of(dynamics.observation_space)[dynamics.part]
        assert isinstance(observed, spaces.Box)
        self._window = Window(dynamics.part, observed, stack.axes[dynamics.part], frames, (num_envs,))

    def _note_step(self) -> None:
        assert self._state is not None
        self._window.write(self.dynamics.observe(self._state))

    def _note_starts(self, indices: NDArray[np.int64]) -> None:
        assert self._state is not None
        self._window.restart(indices, self.dynamics.observe(self._state[indices]))

    def _observe(self) -> NDArray[np.float32]:
        return self._window.joined()

    def _observe_rows(self, indices: NDArray[np.int64]) -> NDArray[np.float32]:
        return self._window.rows(indices)

    def get_state(self) -> dict[str, Any]:
        """As `BatchedEnv.get_state`, with the stacked observations."""
        return {**super().get_state(), "frames": self._observe()}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """See `BatchedEnv.set_state`; ValueError, too, where another number of observations is stacked."""
        super().set_state(state)
        self._window.fill(state["frames"])


def make_batched(frames: int, *arguments: Any, **options: Any) -> BatchedEnv:
    """Make a batch that stacks the last `frames` observations; the rest is as `BatchedEnv` takes it."""
    if frames == 1:
        return BatchedEnv(*arguments, **options)
    return StackedBatchedEnv(frames, *arguments, **options)
