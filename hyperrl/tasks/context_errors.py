"""Contexts that are wrong: what agents observe is off by an error, while environments stay in their task."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hyperrl.errors import UserError, did_you_mean
from hyperrl.recipes import AgentRecipe
from hyperrl.tasks.contexts import ContextSpace

Floats = NDArray[np.float64]


class Directions(NamedTuple):
    """Where errors of one task point, (draws, F) each; their sizes are chosen later.

    Errors of two sizes point to the same sides, and a value that changes at one size changes at each larger
    one too: what differs between their returns is owed to the size.

    Attributes:
        sides: what sizes are multiplied by.
        thresholds: sizes above which a value of `values` changes.
        places: by which it then moves on.
    """

    sides: Floats
    thresholds: Floats
    places: Floats


class ContextErrors:
    """Draws errors of contexts, and shifts descriptors by them.

    An error has one number for each feature. Of a feature with any value of a range it is added to the value,
    as a part of the width of its training range; the sum may lie beyond the range. Of a feature with `values`
    it is a number of places by which the value moves on in their list, around its end.

    Attributes:
        features: their number, F.
    """

    def __init__(self, space: ContextSpace) -> None:
        """Take the features."""
        self.features = len(space.names)
        owners = np.array(space.owners)
        self._columns = [np.flatnonzero(owners == feature) for feature in range(self.features)]
        recipes = list(space.features.items())
        self._circles = [recipe.encoding == "circle" for _, recipe in recipes]
        self._widths = [recipe.train[1] - recipe.train[0] for _, recipe in recipes]
        self._tables: dict[int, NDArray[np.float32]] = {}
        for feature, (name, recipe) in enumerate(recipes):
            if recipe.values is not None:
                listed = space.grid({name: recipe.values})
                self._tables[feature] = space.descriptors(listed)[:, self._columns[feature]]
        self._discrete = np.array([feature in self._tables for feature in range(self.features)])
        self._others = np.array([len(self._tables.get(f, ())) - 1 for f in range(self.features)])

    def draw(self, sizes: Floats, rng: np.random.Generator) -> Floats:
        """One error for each feature, (F,): uniform between -size and size.

        A feature with `values` takes another one, each equally likely, with its size as the probability.

        Args:
            sizes: (F,).
            rng: draws.
        """
        error: Floats = self.of_size(self._directed(rng.uniform(-1.0, 1.0, (1, self.features)), rng), sizes)[
            0
        ]
        return error

    def draw_directions(self, draws: int, rng: np.random.Generator) -> Directions:
        """Directions of several errors; every second one points to the sides opposite to the one before it.

        Args:
            draws: how many, an even number.
            rng: draws.
        """
        sides = np.where(rng.random((draws // 2, self.features)) < 0.5, -1.0, 1.0)
        return self._directed(np.stack([sides, -sides], axis=1).reshape(draws, -1), rng)

    def of_size(self, directions: Directions, sizes: Floats | float) -> Floats:
        """The errors (draws, F) of one size, or of one for each feature, (F,)."""
        changes = (directions.thresholds < sizes) & (self._others > 0)
        moves = np.where(changes, directions.places, 0.0)
        return np.where(self._discrete, moves, directions.sides * sizes)

    def _directed(self, sides: Floats, rng: np.random.Generator) -> Directions:
        thresholds, places = rng.random((2, *sides.shape))
        return Directions(sides, thresholds, 1.0 + np.floor(places * np.maximum(self._others, 1)))

    def shift(self, descriptors: NDArray[np.float32], errors: Floats) -> NDArray[np.float32]:
        """Descriptors (N, D) as those of wrong contexts.

        Args:
            descriptors: as `ContextSpace.descriptors` gives them.
            errors: (N, F).
        """
        shifted = descriptors.copy()
        for feature, columns in enumerate(self._columns):
            own, error = descriptors[:, columns], errors[:, feature]
            if feature in self._tables:
                table = self._tables[feature]
                nearest = ((own[:, None] - table) ** 2).sum(axis=2).argmin(axis=1)
                moved = table[(nearest + error.astype(np.int64)) % len(table)]
                shifted[:, columns] = np.where(error[:, None] != 0, moved, own)
            elif self._circles[feature]:
                cosine, sine = np.cos(error * self._widths[feature]), np.sin(error * self._widths[feature])
                shifted[:, columns[0]] = own[:, 0] * cosine - own[:, 1] * sine
                shifted[:, columns[1]] = own[:, 1] * cosine + own[:, 0] * sine
            else:
                shifted[:, columns[0]] = own[:, 0] + 2.0 * error
        return shifted


def noise_sizes(agent: AgentRecipe, space: ContextSpace) -> Floats:
    """The sizes of an agent's `context_noise`, (F,), one for each feature of a family.

    Raises:
        UserError: it names a feature that the family does not have.
    """
    noise = agent.context_noise
    if not isinstance(noise, Mapping):
        return np.full(len(space.names), noise)
    for name in noise:
        if name not in space.names:
            hint = did_you_mean(name, space.names)
            raise UserError(f"agent {agent.name!r}: context_noise: unknown feature {name!r}{hint}")
    return np.array([noise.get(name, 0.0) for name in space.names])
