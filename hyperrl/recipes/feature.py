"""A feature: one parameter that tells a family's tasks apart, and how it reaches the base environment."""

import math
from collections.abc import Iterable
from typing import Self

from pydantic import model_validator

from hyperrl.recipes.carriers import CarrierFields
from hyperrl.recipes.messages import FieldError

_LARGEST = float.fromhex("0x1.fffffep127")
"""The largest number in single precision."""
_TURN = 2 * math.pi


def _nine_digits(value: float) -> float:
    return float(f"{value:.9g}") + 0.0


_NINE_DIGIT_TURN = _nine_digits(_TURN)
_LEAST_ANGLE = 5e-9
"""How far an angle may lie beyond the end of a range: half of the ninth digit of a full turn."""


class Feature(CarrierFields):
    """One parameter that tells a family's tasks apart."""

    @property
    def widest(self) -> tuple[float, float]:
        """The widest declared range."""
        return self.train if self.extrapolation is None else self.extrapolation

    def key(self, value: float) -> float:
        """The value to nine significant digits, an angle modulo 2 pi. Values with equal keys are the same."""
        if self.encoding == "circle":
            return _nine_digits(value % _TURN) % _NINE_DIGIT_TURN
        return _nine_digits(value)

    def canonical(self, value: float) -> float:
        """The value as `values` has it, if one of them is the same; else the value itself."""
        values = self.values or ()
        if value in values:
            return value
        return next((each for each in values if self.key(each) == self.key(value)), value)

    def within(self, value: float, bounds: tuple[float, float]) -> bool:
        """Whether a value lies in a range, both ends included; angles modulo full turns."""
        low, high = bounds
        if self.encoding == "circle":
            beyond = (value - low + _LEAST_ANGLE) % _TURN
            return beyond <= high - low + 2 * _LEAST_ANGLE
        return _nine_digits(low) <= _nine_digits(value) <= _nine_digits(high)

    def reaches_beyond(self, intervals: Iterable[tuple[float, float]] = ()) -> bool:
        """Whether any of its values lies beyond the training range.

        Args:
            intervals: what it is sampled from, if it has no `values`; none: its widest range.
        """
        low, high = self.train
        bounds = self.values or [end for interval in intervals for end in interval] or self.widest
        return not low <= min(bounds) <= max(bounds) <= high

    def is_encodable(self, value: float) -> bool:
        """Whether the descriptor of a value fits a number in single precision."""
        low, high = self.train
        return self.encoding != "linear" or abs(2.0 * (value - low) / (high - low) - 1.0) <= _LARGEST

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        self.check_carrier()
        low, high = self.widest
        if not low <= self.train[0] < self.train[1] <= high:
            raise FieldError(
                path=("extrapolation",), found=[low, high], allowed=f"a range around train {[*self.train]}"
            )
        if not all(map(self.is_encodable, (low, high))):
            allowed = f"nearer to train {[*self.train]}, for networks in single precision"
            raise FieldError(path=("extrapolation",), found=[low, high], allowed=allowed)
        if not self.within(self.default, self.widest):
            raise self.refusal("default", allowed=f"within {[low, high]}")
        if self.values is None:
            if self.encoding == "categorical":
                raise self.refusal("encoding", allowed="linear or circle without 'values'")
            return self
        for index, value in enumerate(self.values):
            if not self.within(value, self.widest):
                raise self.refusal("values", index, allowed=f"within {[low, high]}")
        if len(set(map(self.key, self.values))) < len(self.values):
            raise self.refusal("values", allowed="each value once")
        if self.canonical(self.default) not in self.values:
            raise self.refusal("default", allowed=f"one of {[*self.values]}")
        return self
