"""Schedules: values that change during training, as data and as functions of the progress that remains."""

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from hyperrl.config import LARGEST
from hyperrl.recipes.base import Fraction, Model, NonNegative, Positive, Rate, number
from hyperrl.recipes.messages import FieldError

_LINEAR = "lin_"


class AnySchedule(Model):
    """Base of schedules: functions of Stable-Baselines3's progress remaining, which falls from 1 to 0."""

    schedule: str
    warmup: Annotated[Fraction, Field(lt=1)] = 0.0
    """part of the training, at its start, in which the value rises linearly from 0"""

    def __call__(self, progress_remaining: float) -> float:
        """The value at a moment of training.

        Args:
            progress_remaining: 1 - steps taken / steps planned; below 0 where the last rollout takes more.
        """
        done = 1 - progress_remaining
        if done < self.warmup:
            return self.nominal * done / self.warmup
        return max(self._after_warmup(done), 0.0)

    @property
    def nominal(self) -> float:
        """The value at the end of the warm-up: what a plain number in the schedule's place would be."""
        raise NotImplementedError

    def _after_warmup(self, done: float) -> float:
        """The value where this part of the training is done."""
        raise NotImplementedError

    def __str__(self) -> str:
        """In words: `linear from 0.0003 to 0, warm-up 0.05`."""
        return self._course + (f", warm-up {self.warmup:g}" if self.warmup else "")

    @property
    def _course(self) -> str:
        """In words what follows the warm-up."""
        raise NotImplementedError


class Constant(AnySchedule):
    """One value after the warm-up."""

    schedule: Literal["constant"] = "constant"
    """one value"""
    value: Positive
    """the value after the warm-up"""

    @property
    def nominal(self) -> float:
        """The value."""
        return self.value

    @property
    def _course(self) -> str:
        return f"constant {self.value:g}"

    def _after_warmup(self, done: float) -> float:
        return self.value


class _FromStartToEnd(AnySchedule):
    start: NonNegative
    """the value at the end of the warm-up"""
    end: NonNegative = 0.0
    """the value at the end"""
    end_fraction: Rate = 1.0
    """part of the training after which the end is reached"""

    @model_validator(mode="after")
    def _something_is_positive(self) -> Self:
        if self.start == self.end == 0:
            raise self.refusal("start", allowed="a number > 0 where end is 0")
        return self

    @model_validator(mode="after")
    def _warmup_comes_first(self) -> Self:
        if self.warmup >= self.end_fraction:
            raise self.refusal("warmup", allowed=f"less than end_fraction, {self.end_fraction:g}")
        return self

    @property
    def nominal(self) -> float:
        """The value at the start."""
        return self.start

    @property
    def _course(self) -> str:
        by = f" at {self.end_fraction:g} of the training" if self.end_fraction < 1 else ""
        return f"{self.schedule} from {self.start:g} to {self.end:g}{by}"

    def _after_warmup(self, done: float) -> float:
        if done > self.end_fraction:
            return self.end
        return self._between(done - self.warmup, self.end_fraction - self.warmup)

    def _between(self, done: float, whole: float) -> float:
        """The value where `done` of the `whole` way from start to end is gone."""
        raise NotImplementedError


class Linear(_FromStartToEnd):
    """A straight line, as Stable-Baselines3's `LinearSchedule`."""

    schedule: Literal["linear"] = "linear"
    """a straight line from start to end"""

    def _between(self, done: float, whole: float) -> float:
        return self.start + done * (self.end - self.start) / whole


class Cosine(_FromStartToEnd):
    """Half a period of a cosine, as torch's `CosineAnnealingLR` (Loshchilov and Hutter, SGDR, 2017)."""

    schedule: Literal["cosine"] = "cosine"
    """half a period of a cosine from start to end"""

    def _between(self, done: float, whole: float) -> float:
        return self.end + (self.start - self.end) * (1 + math.cos(math.pi * done / whole)) / 2


Schedule = Annotated[Constant | Linear | Cosine, Field(discriminator="schedule")]


def _from_rl_zoo(value: Any) -> Any:
    """RL Zoo's `lin_3e-4` as a schedule from that number to 0; anything else as it is."""
    if not isinstance(value, str) or not value.startswith(_LINEAR):
        return value
    allowed = f"{_LINEAR} and a number > 0, such as {_LINEAR}3e-4"
    try:
        start = float(value.removeprefix(_LINEAR))
    except ValueError:
        start = math.nan
    if not 0 < start <= LARGEST:
        raise FieldError(found=value, allowed=allowed)
    return Linear(start=start)


def _plain(value: object) -> float:
    return number(value, allowed="a finite number, lin_3e-4, or {schedule: linear, start: 3e-4, end: 0}")


def _form(value: Any) -> str:
    return "a schedule" if isinstance(value, (Mapping, AnySchedule)) else "a number"


Scheduled = Annotated[
    Annotated[float, BeforeValidator(_plain), Field(gt=0, le=LARGEST), Tag("a number")]
    | Annotated[Schedule, Tag("a schedule")],
    Discriminator(_form),
    BeforeValidator(_from_rl_zoo),
]
"""A positive number, or a schedule: of a learning rate or a range of clipping."""
