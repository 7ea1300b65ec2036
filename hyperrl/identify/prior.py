"""What is known of a context before any data: uniform over the declared ranges of its features."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hyperrl.tasks import ContextSpace

Floats = NDArray[np.float64]
Within = Literal["declared", "training"]
"""The ranges of a prior: the widest that the family's file declares, or those of training."""


class Prior:
    """Uniform over a box, with features that take some values only.

    Attributes:
        space: the features, F of them.
        low: lower ends of the ranges, (F,).
        high: upper ends, (F,).
        values: the values of each feature that takes some alone; None for a range.
        ranges: the features that have a range, by their places.
        discrete: those that take some values alone.
        circular: the features whose range is a full turn, by their places.
        positive: which features are above 0 in all of their range, (F,).
        deviation: standard deviation of each feature, (F,).
        log_deviation: the same, of the logarithms of positive features.
    """

    def __init__(self, space: ContextSpace, within: Within = "declared") -> None:
        """Take the ranges of a family's features."""
        self.space = space
        features = list(space.features.values())
        bounds = [feature.train if within == "training" else feature.widest for feature in features]
        self.low, self.high = np.array(bounds, np.float64).T
        self._trained = np.array([feature.train for feature in features], np.float64).T
        self.values: list[Floats | None] = [
            None
            if feature.values is None
            else np.array([each for each in feature.values if feature.within(each, bound)], np.float64)
            for feature, bound in zip(features, bounds, strict=True)
        ]
        self.ranges = [place for place, values in enumerate(self.values) if values is None]
        self.discrete = [place for place, values in enumerate(self.values) if values is not None]
        width = self.high - self.low
        self.circular = [
            place
            for place, feature in enumerate(features)
            if feature.encoding == "circle" and math.isclose(width[place], 2 * math.pi, rel_tol=1e-6)
        ]
        self.deviation = np.array(
            [
                width[place] / math.sqrt(12) if values is None else float(np.std(values))
                for place, values in enumerate(self.values)
            ]
        )

        self.positive = (self.low > 0) & np.isin(np.arange(len(features)), self.ranges)
        even = (np.arange(1000) + 0.5) / 1000
        self.log_deviation = np.array(
            [
                float(np.log(low + (high - low) * even).std()) if positive else deviation
                for low, high, positive, deviation in zip(
                    self.low, self.high, self.positive, self.deviation, strict=True
                )
            ]
        )

    def sample(self, count: int, rng: np.random.Generator) -> Floats:
        """Draw contexts, (count, F): a Latin hypercube, whose values are evenly spread in each feature.

        McKay, Beckman and Conover, "A Comparison of Three Methods for Selecting Values of Input Variables in
        the Analysis of Output from a Computer Code", Technometrics 1979.
        """
        drawn = np.empty((count, len(self.values)))
        for place, values in enumerate(self.values):
            order = rng.permutation(count)
            if values is None:
                width = self.high[place] - self.low[place]
                drawn[:, place] = self.low[place] + width * (order + rng.random(count)) / count
            else:
                drawn[:, place] = values[order % len(values)]
        return drawn

    def wrap(self, contexts: Floats) -> Floats:
        """Contexts (N, F) whose angles were turned back into their range."""
        wrapped = contexts.copy()
        for place in self.circular:
            wrapped[:, place] = self.low[place] + (contexts[:, place] - self.low[place]) % (2 * math.pi)
        return wrapped

    def trained(self, contexts: Floats) -> NDArray[np.bool_]:
        """Whether contexts (N, F) are within the training ranges, (N,)."""
        low, high = self._trained
        inside: NDArray[np.bool_] = ((contexts >= low) & (contexts <= high)).all(axis=1)
        return inside

    def holds(self, contexts: Floats) -> NDArray[np.bool_]:
        """Whether contexts (N, F) are within all ranges, (N,)."""
        inside: NDArray[np.bool_] = ((contexts >= self.low) & (contexts <= self.high)).all(axis=1)
        return inside
