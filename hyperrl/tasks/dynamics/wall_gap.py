"""A grid with two walls, each with one gap: the moves that are valid depend on the task."""

from collections.abc import Mapping
from typing import Any, ClassVar

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from hyperrl.masks import Masks
from hyperrl.tasks.dynamics.base import Constants, Dynamics, DynamicsEnv, Floats, start_option

COLUMNS, ROWS = 9, 7
NEAR_ROW, FAR_ROW = 2, 4
_CENTER = np.array([(COLUMNS - 1) / 2, (ROWS - 1) / 2])
_MOVES = np.array([[-1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])


class WallGap(Dynamics):
    """Moves left, right, up, down (0 to 3) on a grid of 9 x 7 squares, from the lowest row to the highest.

    Walls fill the rows 2 and 4 but for one square each, in the columns `near` and `far`. A move off the grid
    or into a wall is not valid and changes nothing. Reward -1 a step; the episode ends in the highest row.
    State (2,): column and row, from 0; observation (2,): the same in [-1, 1]. Start: any column of the lowest
    row, or the reset option `column`.
    """

    masked: ClassVar[bool] = True

    def __init__(self) -> None:
        """No arguments: the columns of the gaps are attributes."""
        self.parameters = {"near": 4.0, "far": 4.0}
        self.observation_space = gym.spaces.Box(-1.0, 1.0, (2,), np.float32)
        self.action_space = gym.spaces.Discrete(len(_MOVES))

    def start(self, rng: np.random.Generator, options: Mapping[str, Any] | None) -> Floats:
        """Draw the column; the option overrules it, rounded."""
        column = float(rng.integers(COLUMNS))
        option = start_option(options, "column", 0, COLUMNS - 1)
        return np.array([column if option is None else round(option), 0.0])

    def step(
        self, state: Floats, action: NDArray[Any], context: Constants
    ) -> tuple[Floats, Floats, NDArray[np.bool_]]:
        """Move where the move is valid; terminates in the highest row."""
        target = state + _MOVES[np.asarray(action, np.intp)]
        after = np.where(_is_free(target, context)[:, None], target, state)
        return after, np.full(len(after), -1.0), after[:, 1] == ROWS - 1

    def action_masks(self, state: Floats, context: Constants) -> Masks:
        """Which moves lead to a free square, (N, 4)."""
        return np.stack([_is_free(state + move, context) for move in _MOVES], axis=1)

    def measure(self, state: Floats) -> Floats:
        """Column and row, scaled to [-1, 1]."""
        scaled: Floats = state / _CENTER - 1.0
        return scaled

    def restore(self, observation: Mapping[str, NDArray[Any]]) -> Floats:
        """Column and row, which are whole numbers."""
        squares: Floats = np.rint((np.asarray(observation[self.part], np.float64) + 1.0) * _CENTER)
        return squares


def _is_free(place: Floats, context: Constants) -> NDArray[np.bool_]:
    """Whether squares (N, 2) are on the grid and no wall."""
    column, row = place.T
    on_grid = (column >= 0) & (column < COLUMNS) & (row >= 0) & (row < ROWS)
    near = (row == NEAR_ROW) & (column != np.rint(context["near"]))
    far = (row == FAR_ROW) & (column != np.rint(context["far"]))
    free: NDArray[np.bool_] = on_grid & ~near & ~far
    return free


class WallGapEnv(DynamicsEnv):
    """`hyperrl-base/wall-gap-v0`; attributes `near` and `far`, method `action_masks`."""

    near: float
    far: float

    def __init__(self, render_mode: str | None = None) -> None:
        """See `WallGap`."""
        super().__init__(WallGap(), render_mode)

    def action_masks(self) -> Masks:
        """Which moves are valid now, (4,); raises `gymnasium.error.ResetNeeded` before the first reset."""
        if not self._trail:
            raise gym.error.ResetNeeded("Call reset before action_masks.")
        mask: Masks = self.dynamics.action_masks(self._trail[-1][None], self._constants())[0]
        return mask

    def _picture(self, trail: Floats) -> NDArray[np.uint8]:
        from hyperrl.tasks.dynamics.picture import Picture

        picture = Picture((-0.6, COLUMNS - 0.4), (-0.6, COLUMNS - 0.4))
        picture.box((-0.5, ROWS - 1.5), (COLUMNS - 0.5, ROWS - 0.5), "goal")
        for wall, gap in ((NEAR_ROW, round(self.near)), (FAR_ROW, round(self.far))):
            picture.box((-0.5, wall - 0.5), (gap - 0.5, wall + 0.5), "faint")
            picture.box((gap + 0.5, wall - 0.5), (COLUMNS - 0.5, wall + 0.5), "faint")
        picture.trail([(float(column), float(row)) for column, row in trail])
        picture.caption(f"near = {self.near:g}   far = {self.far:g}   step {len(trail) - 1}")
        return picture.pixels()
