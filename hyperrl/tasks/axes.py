"""Features as axes from 0 to 1, along which tasks are sampled and searched."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hyperrl.recipes import Feature


class Axis:
    """One feature's share of a box of tasks: a union of intervals, or a few values, over [0, 1).

    Attributes:
        values: the few values, None for intervals.
        width: of the range; 0 of a few values, each of which is apart from all others.
    """

    def __init__(
        self,
        feature: Feature,
        bounds: tuple[float, float],
        intervals: Sequence[tuple[float, float]] | None = None,
    ) -> None:
        """Take a feature.

        Args:
            feature: the feature.
            bounds: its range; of `values` those within it are taken.
            intervals: what of the range is taken, where the feature has no `values`; None: all.
        """
        self.values = None
        if feature.values is not None:
            self.values = np.array([value for value in feature.values if feature.within(value, bounds)])
        self.width = 0.0 if self.values is not None else bounds[1] - bounds[0]
        taken = sorted(intervals or (bounds,))
        self._low = np.array([low for low, _ in taken])
        self._high = np.array([high for _, high in taken])
        self._edges = np.concatenate([[0.0], np.cumsum(self._high - self._low)])

    def at(self, u: NDArray[np.float64]) -> NDArray[np.float64]:
        """Map u (N,) in [0, 1) to values (N,) of 6 digits, so that a printed context is the context."""
        if self.values is not None:
            return self.values[(u * len(self.values)).astype(np.int64)]
        along = u * self._edges[-1]
        which = np.minimum(np.searchsorted(self._edges, along, side="right") - 1, len(self._low) - 1)
        raw = self._low[which] + along - self._edges[which]
        rounded = np.array([float(f"{value:.6g}") for value in raw])
        values: NDArray[np.float64] = np.minimum(np.maximum(rounded, self._low[which]), self._high[which])
        return values
