"""A feature: one parameter that tells a family's tasks apart, and how it reaches the base environment."""

from typing import Self

from pydantic import model_validator

from hyperrl.recipes.carriers import (
    ActionFields,
    ArgumentFields,
    AttributeFields,
    PhysicsFields,
    RewardFields,
)
from hyperrl.recipes.messages import FieldError


class Feature(RewardFields, PhysicsFields, ActionFields, ArgumentFields, AttributeFields):
    """One parameter that tells a family's tasks apart.

    Its fields are those that every feature has and those of the carriers, in reverse order of the bases.
    """

    @property
    def widest(self) -> tuple[float, float]:
        """The widest declared range."""
        return self.train if self.extrapolation is None else self.extrapolation

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        self.check_carrier()
        low, high = self.widest
        if not low <= self.train[0] < self.train[1] <= high:
            raise FieldError(
                path=("extrapolation",), found=[low, high], allowed=f"a range around train {[*self.train]}"
            )
        if not low <= self.default <= high:
            raise FieldError(path=("default",), found=self.default, allowed=f"within {[low, high]}")
        if self.values is None:
            if self.encoding == "categorical":
                raise FieldError(
                    path=("encoding",), found="categorical", allowed="linear or circle without 'values'"
                )
            return self
        for index, value in enumerate(self.values):
            if not low <= value <= high:
                raise FieldError(path=("values", index), found=value, allowed=f"within {[low, high]}")
        if len(set(self.values)) < len(self.values):
            raise FieldError(path=("values",), found=[*self.values], allowed="each value once")
        if self.default not in self.values:
            raise FieldError(path=("default",), found=self.default, allowed=f"one of {[*self.values]}")
        return self
