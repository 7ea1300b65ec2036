"""A feature: one parameter that tells a family's tasks apart, and how it reaches the base environment."""

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from hyperrl.recipes.arguments import ScalarArgument
from hyperrl.recipes.base import Attribute, Model, Number, Range, Text
from hyperrl.recipes.messages import FieldError

_PATH = re.compile(r"(?!__)[A-Za-z_]\w{0,99}(\.(?!__)(\w{1,100}|-[1-9]\d{0,8})){0,5}", re.ASCII)
_SCALES = re.compile(r"action(\.\d{1,4})?", re.ASCII)
_PHYSICS = re.compile(r"(mass|length|friction|damping|gear|gravity)(\.[\w/:.-]{1,100})?", re.ASCII)

CARRIERS = ("argument", "scales", "physics", "reward")
"""Fields that name what carries a feature other than an attribute."""


def _path(value: str) -> str:
    if not _PATH.fullmatch(value):
        raise FieldError(
            found=value,
            allowed="the name of an attribute, not beginning with '__', perhaps with .KEY or .INDEX",
        )
    return value


PathName = Annotated[str, AfterValidator(_path)]


def _scaled(value: str) -> str:
    if not _SCALES.fullmatch(value):
        raise FieldError(found=value, allowed="action, or action.N for its entry N, counted from 0")
    return value


def _physics(value: str) -> str:
    found = _PHYSICS.fullmatch(value)
    if not found or (found[1] == "gravity" and found[2]) or (found[1] == "length" and not found[2]):
        raise FieldError(
            found=value,
            allowed="gravity, length.BODY, mass(.BODY), friction(.GEOM), damping(.JOINT), gear(.JOINT)",
        )
    return value


class Feature(Model):
    """One parameter that tells a family's tasks apart."""

    about: Text = Field(description="what it is, in words")
    unit: Text = Field(default="", description="its unit; empty: dimensionless")
    default: Number = Field(description="its value where a context leaves it out")
    train: Range = Field(description="training range, which the networks see as [-1, 1]")
    extrapolation: Range | None = Field(
        default=None, description="widest declared range, around the training range; none: the training range"
    )
    values: Annotated[tuple[Number, ...], Field(min_length=1, max_length=1000)] | None = Field(
        default=None, description="the only values that it takes (a sign, a count)"
    )
    encoding: Literal["linear", "circle", "categorical"] = Field(
        default="linear",
        description="circle: an angle in radians, which the networks see as (cos, sin); "
        "categorical: the networks see which of the values it is, one-hot",
    )
    attribute: PathName | None = Field(
        default=None,
        description="attribute of the base environment that carries it, or an entry of one (goal.0, "
        "config.lanes_count); none: the feature's own name, where none of the next three is given",
    )
    at: Literal["step", "reset", "start"] = Field(
        default="step",
        description="when the base reads it: step, at every step; reset, when it builds itself at a reset (a "
        "maze's size); start, after a reset that draws a value of its own (a goal), which it replaces",
    )
    argument: Attribute | None = Field(
        default=None,
        description="keyword argument of the base environment that it chooses at a reset; an environment is "
        "made for each of the values that is met",
    )
    choices: Annotated[tuple[ScalarArgument, ...], Field(min_length=1, max_length=1000)] | None = Field(
        default=None,
        description="what the argument is for each of the values, in order; none: the values themselves",
    )
    scales: Annotated[str, AfterValidator(_scaled)] | None = Field(
        default=None,
        description="multiplies what it names before the base environment sees it (and is clipped to the "
        "action space): action, or action.N, its entry N",
    )
    physics: Annotated[str, AfterValidator(_physics)] | None = Field(
        default=None,
        description="quantity of a MuJoCo model that it multiplies by value / default: mass or mass.BODY, "
        "friction(.GEOM), damping(.JOINT), gear(.JOINT), length.BODY, gravity (of Box2D too)",
    )
    reward: Literal["velocity", "direction"] | None = Field(
        default=None,
        description="takes the place of a MuJoCo environment's reward for moving forward: velocity, minus "
        "the distance of the forward velocity from it; direction, the velocity along it, an angle",
    )

    @property
    def carrier(self) -> str | None:
        """What carries it other than an attribute: "action.0", "physics mass.torso", "reward velocity"."""
        if self.argument is not None:
            return f"argument {self.argument}"
        if self.physics is not None:
            return f"physics {self.physics}"
        return self.scales if self.reward is None else f"reward {self.reward}"

    @property
    def widest(self) -> tuple[float, float]:
        """The widest declared range."""
        return self.train if self.extrapolation is None else self.extrapolation

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        self._check_carrier()
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

    def _check_carrier(self) -> None:
        given = [each for each in ("attribute", *CARRIERS) if getattr(self, each)]
        if len(given) > 1:
            raise FieldError(path=(given[1],), reason=f"found beside {given[0]}; allowed: one of them")
        if self.physics is not None and self.default == 0:
            raise FieldError(path=("default",), found=0, allowed="not 0, which 'physics' divides by")
        if self.argument is not None:
            if self.at != "reset":
                raise FieldError(path=("at",), found=self.at, allowed="reset with 'argument'")
            if self.values is None:
                raise FieldError(path=("argument",), reason="found no 'values'; allowed: with 'values' alone")
        if self.choices is not None and len(self.choices) != (len(self.values or ()) if self.argument else 0):
            allowed = "as many as 'values', with 'argument'"
            raise FieldError(path=("choices",), found=[*self.choices], allowed=allowed)
