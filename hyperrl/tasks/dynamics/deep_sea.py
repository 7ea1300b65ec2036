"""Deep sea: a grid in which only one way of many pays, and each step of it costs a little."""

from collections.abc import Mapping
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from hyperrl.tasks.dynamics.base import Constants, Dynamics, DynamicsEnv, Floats

MOVE_COST = 0.01
"""What all moves to the right of an episode cost together."""


class DeepSea(Dynamics):
    """A boat goes down a grid of N x N squares by one row a step, to the left or to the right.

    Osband et al., "Deep Exploration via Randomized Value Functions", JMLR 2019, section 4.1, by the rules of
    bsuite (Osband et al., ICLR 2020): a move to the right costs 0.01 / N, and the move to the right in the
    last column pays 1. That column is reached in the lowest row alone, by N - 1 moves to the right. Which of
    the two actions goes to the right differs from square to square, at random. The episode ends after N
    steps, so that whoever moves at random finds the treasure once in 2^N episodes. The best return is 0.99.

    State (2,): row and column, from 0. Observation (L * L,): a 1 among zeros at row * L + column, where L is
    the largest size; zeros after the last step. A grid of another size lies in the same squares from the
    upper left on, with the same actions.

    Args:
        largest: L, the largest size that `size` may have.
        mapping_seed: of the actions that go to the right.
    """

    def __init__(self, largest: int = 20, mapping_seed: int = 0) -> None:
        """See the class; `size` is an attribute."""
        self.largest = largest
        self.right = np.random.default_rng(mapping_seed).integers(2, size=(largest, largest))
        self.parameters = {"size": float(min(10, largest))}
        self.observation_space = gym.spaces.Box(0.0, 1.0, (largest * largest,), np.float32)
        self.action_space = gym.spaces.Discrete(2)

    def start(self, rng: np.random.Generator, options: Mapping[str, Any] | None) -> Floats:
        """The upper left square."""
        return np.zeros(2)

    def constants(self, attributes: Mapping[str, float]) -> dict[str, float]:
        """The size, a whole number from 2 to the largest."""
        return {"size": float(np.clip(np.rint(attributes["size"]), 2, self.largest))}

    def step(
        self, state: Floats, action: NDArray[Any], context: Constants
    ) -> tuple[Floats, Floats, NDArray[np.bool_]]:
        """Go down by one row; terminates below the lowest one, where the row is L."""
        size = np.asarray(context["size"], np.float64)
        row, column = state.T
        at = np.minimum(state, self.largest - 1).astype(np.intp)
        to_right = np.asarray(action, np.intp) == self.right[at[:, 0], at[:, 1]]
        reward = np.where(to_right, (column == size - 1) - MOVE_COST / size, 0.0)
        moved = np.clip(np.where(to_right, column + 1, column - 1), 0, size - 1)
        terminated = row + 1 >= size
        below = np.where(terminated, float(self.largest), row + 1)
        return np.stack([below, moved], axis=1), reward, terminated

    def measure(self, state: Floats) -> Floats:
        """A 1 at the boat's square, among zeros."""
        seen = np.zeros((len(state), self.largest * self.largest))
        row, column = state.astype(np.intp).T
        under_way = np.flatnonzero(row < self.largest)
        seen[under_way, (row * self.largest + column)[under_way]] = 1.0
        return seen

    def restore(self, observation: Mapping[str, NDArray[Any]]) -> Floats:
        """Row and column; row L and column 0 where the episode is over."""
        seen = np.asarray(observation[self.part])
        square = seen.argmax(axis=1)
        row = np.where(seen.any(axis=1), square // self.largest, self.largest)
        return np.stack([row, square % self.largest], axis=1).astype(np.float64)


class DeepSeaEnv(DynamicsEnv):
    """`hyperrl-base/deep-sea-v0`; attribute `size`."""

    size: float
    dynamics: DeepSea

    def __init__(self, largest: int = 20, mapping_seed: int = 0, render_mode: str | None = None) -> None:
        """See `DeepSea`."""
        super().__init__(DeepSea(largest, mapping_seed), render_mode)

    def _picture(self, trail: Floats) -> NDArray[np.uint8]:
        from hyperrl.tasks.dynamics.picture import Picture

        size = int(self._constants()["size"])
        picture = Picture((-0.6, size - 0.4), (-0.6, size + 0.6))
        for square in range(size * size):
            row, column = divmod(square, size)
            if (row + column) % 2:
                picture.box((column - 0.5, size - row - 0.5), (column + 0.5, size - row + 0.5), "faint")
        picture.box((size - 1.5, 0.5), (size - 0.5, 1.5), "goal")
        picture.trail([(float(column), float(size - min(row, size))) for row, column in trail])
        picture.caption(f"size = {size}   step {len(trail) - 1}")
        return picture.pixels()
