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
from hyperrl.tasks.frame_stack import FrameStack
from hyperrl.tasks.spaces import contextual_space, parts_of
from hyperrl.tasks.vector.batched import BatchedEnv

_SPARE = 16
"""Steps after which the stacked observations go back to the beginning of their buffer."""


class StackedBatchedEnv(BatchedEnv):
    """`BatchedEnv` that stacks the last N observations of each environment, as `FrameStack` says.

    They are a window of a longer buffer. A step writes one observation behind it and moves it on, so that it
    copies no older ones.
    """

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
        """Take N, and the rest as `BatchedEnv` does; observations must have one axis."""
        super().__init__(dynamics, space, carriers, num_envs, max_steps, **options)
        stacked = FrameStack(dynamics.observation_space, frames).space
        self.single_observation_space = contextual_space(stacked, space.box)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        before, after = (parts_of(each)[dynamics.part] for each in (dynamics.observation_space, stacked))
        assert isinstance(before, spaces.Box)
        assert isinstance(after, spaces.Box)
        (size,), (width,) = before.shape, after.shape
        self._buffer = np.zeros((num_envs, width + _SPARE * size), np.float32)
        ends = range(width, self._buffer.shape[1] + 1, size)
        self._windows = [self._buffer[:, end - width : end] for end in ends]
        self._newest = [self._buffer[:, end - size : end] for end in ends]
        self._place = 0

    def _note_step(self) -> None:
        assert self._state is not None
        self._place += 1
        if self._place == len(self._windows):
            self._windows[0][...] = self._windows[-1].copy()
            self._place = 1
        self._newest[self._place][...] = self.dynamics.observe(self._state)

    def _note_starts(self, indices: NDArray[np.int64]) -> None:
        assert self._state is not None
        self._windows[self._place][indices] = 0.0
        self._newest[self._place][indices] = self.dynamics.observe(self._state[indices])

    def _observe(self) -> NDArray[np.float32]:
        return self._windows[self._place].copy()

    def _observe_rows(self, indices: NDArray[np.int64]) -> NDArray[np.float32]:
        return self._windows[self._place][indices]

    def get_state(self) -> dict[str, Any]:
        """As `BatchedEnv.get_state`, with the stacked observations."""
        return {**super().get_state(), "frames": self._observe()}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """See `BatchedEnv.set_state`; ValueError, too, where another number of observations is stacked."""
        super().set_state(state)
        self._place = 0
        self._windows[0][...] = state["frames"]


def make_batched(frames: int, *arguments: Any, **options: Any) -> BatchedEnv:
    """Make a batch that stacks the last `frames` observations; the rest is as `BatchedEnv` takes it."""
    if frames == 1:
        return BatchedEnv(*arguments, **options)
    return StackedBatchedEnv(frames, *arguments, **options)
