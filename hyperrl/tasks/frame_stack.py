"""Stacks the last observations of a base environment, by the rule of Stable-Baselines3's VecFrameStack."""

from collections.abc import Mapping
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from hyperrl.errors import UserError
from hyperrl.tasks.spaces import GOALS, parts_of, short

_LAST, _FIRST_OF_IMAGE = -1, -3

_SPARE = 16
"""Arrays that a window takes in before it goes back to the beginning of its buffer."""


class Window:
    """The last N arrays of a part of observations, joined: a window that moves through a longer buffer.

    Taking in an array writes it behind the window and moves this on, so that no older ones are copied.
    """

    def __init__(
        self, key: str, space: spaces.Box, axis: int, frames: int, ahead: tuple[int, ...] = ()
    ) -> None:
        """Begin with zeros.

        Args:
            key: of the part.
            space: of one array.
            axis: that they are joined along, counted from the end.
            frames: N.
            ahead: axes ahead of the arrays', such as that of a batch.
        """
        self._key, self._arguments = key, (key, space, axis, frames, ahead)
        size = space.shape[axis]
        width = frames * size
        shape = [*ahead, *space.shape]
        shape[axis] = width + _SPARE * size
        buffer = np.zeros(shape, space.dtype)
        rest: tuple[Any, ...] = (slice(None),) * (-1 - axis)
        parts = [(..., slice(end - width, end), *rest) for end in range(width, shape[axis] + 1, size)]
        windows: list[NDArray[Any]] = [buffer[part] for part in parts]
        self._last: Any = (..., slice(-size, None), *rest)
        self._views = [(window[self._last], window) for window in windows]
        self._blank = np.zeros_like(windows[0])
        self._count, self._place = len(windows), 0

    def __reduce__(self) -> Any:
        """A copy is built anew: copies of views would have no buffer in common."""
        return _rebuild, (self._arguments, self.joined())

    def write(self, array: NDArray[Any]) -> None:
        """Take in the next array."""
        place = self._place + 1
        if place == self._count:
            place = self._rewind()
        self._place = place
        self._views[place][0][...] = array

    def replace(self, observation: dict[str, Any]) -> dict[str, Any]:
        """Take in the next array from an observation, and put the last N there, in a new array.

        It is `write` and `joined` in one call, which a light environment's step notices.
        """
        place = self._place + 1
        if place == self._count:
            place = self._rewind()
        self._place = place
        newest, window = self._views[place]
        newest[...] = observation[self._key]
        observation[self._key] = window.copy()
        return observation

    def _rewind(self) -> int:
        self._views[0][1][...] = self._views[-1][1].copy()
        return 1

    def joined(self) -> NDArray[Any]:
        """The last N, in a new array."""
        return self._views[self._place][1].copy()

    def rows(self, indices: NDArray[np.int64]) -> NDArray[Any]:
        """The last N of some rows of a batch, in a new array."""
        return self._views[self._place][1][indices]

    def restart(self, indices: NDArray[np.int64], arrays: NDArray[Any]) -> None:
        """Let some rows of a batch begin with these arrays, with zeros before them."""
        rows = self._blank[: len(indices)]
        rows[self._last] = arrays
        self._views[self._place][1][indices] = rows

    def fill(self, joined: Any) -> None:
        """Hold these N arrays, joined, or zeros."""
        self._place = 0
        self._views[0][1][...] = joined


def _rebuild(arguments: Any, joined: NDArray[Any]) -> Window:
    window = Window(*arguments)
    window.fill(joined)
    return window


class FrameStack:
    """How the last N observations become one, and the N of one environment that are being stacked.

    The rule is that of Stable-Baselines3's `StackedObservations`: arrays (`Box`) are joined along their last
    axis, images whose channels go first along their first; zeros stand where an episode has had fewer than N
    observations. Other parts of a dictionary (choices, say) and goals stay as they are.

    Attributes:
        frames: N.
        axes: for each part that is stacked, along which axis, counted from the end.
        space: of stacked observations.
        windows: of each part that is stacked, the last N of one environment.
    """

    def __init__(self, space: gym.Space[Any], frames: int) -> None:
        """Take the space of one observation, without a context.

        Args:
            space: as `BaseAdapter.observation_space`.
            frames: N; 1: nothing is stacked.

        Raises:
            UserError: no part of the observation can be stacked.
        """
        self.frames, parts = frames, parts_of(space)
        boxes = {key: part for key, part in parts.items() if isinstance(part, spaces.Box)}
        stacked = {key: part for key, part in boxes.items() if key not in GOALS and frames > 1}
        if frames > 1 and not stacked:
            raise UserError(
                f"frame_stack: found {frames}; allowed: 1 with observations of {short(space)}, of which"
                " nothing can be stacked (a Box can, unless it is a goal)"
            )
        self.axes = {key: _axis(part) for key, part in stacked.items()}
        self._but_oldest: dict[str, Any] = {
            key: (..., slice(stacked[key].shape[axis], None), *[slice(None)] * (-1 - axis))
            for key, axis in self.axes.items()
        }
        self.space = space
        if stacked:
            changed = {key: self._stacked_space(key, part) for key, part in stacked.items()}
            nested = isinstance(space, spaces.Dict)
            self.space = spaces.Dict({**parts, **changed}) if nested else changed["obs"]
        self.windows = [Window(key, part, self.axes[key], frames) for key, part in stacked.items()]

    def _stacked_space(self, key: str, part: spaces.Box) -> spaces.Box:
        low, high = (np.repeat(end, self.frames, axis=self.axes[key]) for end in (part.low, part.high))
        return spaces.Box(low, high, dtype=part.dtype)

    def clear(self) -> None:
        """Begin an episode: only zeros came before its first observation."""
        for window in self.windows:
            window.fill(0)

    def push(self, stacked: Mapping[str, NDArray[Any]], observation: dict[str, Any]) -> dict[str, Any]:
        """Stack the next observation on stacked ones, whose oldest goes, in new arrays.

        Args:
            stacked: the stacked observations before it; both may have more axes ahead, (N, ...).
            observation: the next one, which is changed and returned.
        """
        for key, axis in self.axes.items():
            newer = stacked[key][self._but_oldest[key]]
            observation[key] = np.concatenate((newer, observation[key]), axis)
        return observation


def _axis(space: spaces.Box) -> int:
    """The axis that a part is stacked along, as Stable-Baselines3 chooses it, counted from the end.

    The channels of an image (`stable_baselines3.common.preprocessing`: three axes of bytes from 0 to 255) go
    first where no other axis is shorter.
    """
    image = len(space.shape) == 3 and space.dtype == np.uint8
    image = image and bool(np.all(space.low == 0) and np.all(space.high == 255))
    return _FIRST_OF_IMAGE if image and np.argmin(space.shape) == 0 else _LAST
