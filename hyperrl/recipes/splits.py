"""Which tasks a family trains on, chooses by, and reports: lists, grids and seeded samples of contexts."""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_serializer, model_validator

from hyperrl.recipes.base import Count, Flag, Model, Name, Number, Range, Whole
from hyperrl.recipes.context import Context
from hyperrl.recipes.messages import FieldError

MAX_TASKS = 100_000
SPLITS = ("train", "validation", "interpolation", "extrapolation")
"""The splits that a training evaluates."""
RIM = "rim"
"""The split to choose by what is done beyond the training ranges; played where it is named alone."""
ALL_SPLITS = (*SPLITS, RIM)
OUTSIDE = ("extrapolation", RIM)
"""Splits of which each task has a feature outside its training range."""

Values = dict[Name, Number]
"""A context as a file writes it: features left out take their defaults."""


class Linspace(Model):
    """n values from `from` to `to`, both ends included, equally spaced."""

    start: Number = Field(alias="from")
    """first value"""
    stop: Number = Field(alias="to")
    """last value"""
    n: Annotated[Count, Field(le=MAX_TASKS)]
    """number of values"""

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if (self.n > 1 and not self.start < self.stop) or (self.n == 1 and self.start != self.stop):
            raise FieldError(found=self._as_written(), allowed="from < to (or n = 1 and from = to)")
        return self

    @property
    def values(self) -> tuple[float, ...]:
        """The values in rising order; the last is `to` exactly."""
        if self.n == 1:
            return (self.start,)
        last = self.n - 1
        inner = tuple(self.start + (self.stop - self.start) * step / last for step in range(last))
        return (*inner, self.stop)

    @model_serializer
    def _as_written(self) -> dict[str, float]:
        return {"from": self.start, "to": self.stop, "n": self.n}


def _axis_kind(value: Any) -> str | None:
    if isinstance(value, (Mapping, Linspace)):
        return "linspace"
    return "values" if isinstance(value, Sequence) and not isinstance(value, str) else None


GridAxis = Annotated[
    Annotated[tuple[Number, ...], Field(min_length=1, max_length=MAX_TASKS), Tag("values")]
    | Annotated[Linspace, Tag("linspace")],
    Discriminator(
        _axis_kind,
        custom_error_type="grid_axis",
        custom_error_message="a list of values, or {from: low, to: high, n: count}",
    ),
]


class Part(Model):
    """Some tasks of a split: exactly one of `list`, `grid` and `sample`, narrowed by the other fields."""

    list: Annotated[tuple[Values, ...], Field(min_length=1, max_length=MAX_TASKS)] | None = None
    """contexts one by one; features left out take their defaults"""
    grid: dict[Name, GridAxis] | None = None
    """values per feature, combined each with each; features left out take their defaults"""
    sample: Annotated[Count, Field(le=MAX_TASKS)] | None = None
    """number of contexts, Sobol-sampled in the split's box or in `ranges`"""
    seed: Annotated[Whole, Field(ge=0, lt=2**32)] = 0
    """seed of `sample`; a split that gives none takes its own (train 0, validation 1, ...)"""
    fewer: Flag = False
    """take fewer than `sample`, or none, where the features' values leave fewer"""
    ranges: dict[Name, Annotated[tuple[Range, ...], Field(min_length=1)]] | None = None
    """unions of intervals to sample in, per feature"""
    keep: Literal["inside", "outside"] | None = None
    """keep contexts inside the training ranges, or with a feature outside them"""
    without: tuple[Values, ...] = ()
    """contexts dropped; one that names some features alone drops all that agree on those"""
    without_train: Flag = False
    """drop the training tasks from a `list` too"""

    anywhere: Flag = False
    """whether tasks of a training `list` may lie beyond the training ranges, as those that an agent of more
    tasks is fine-tuned on"""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        self.require_one("list", "grid", "sample")
        for name in ("ranges", "fewer"):
            if self.sample is None and getattr(self, name) not in (None, False):
                raise FieldError(
                    path=(name,), reason=f"found {name} without sample; allowed: with sample alone"
                )
        if self.anywhere and self.list is None:
            raise self.refusal("anywhere", allowed="true with a list alone")
        if self.grid == {}:
            raise self.refusal("grid", allowed="at least one feature")
        if math.prod(len(values) for values in self.axes.values()) > MAX_TASKS:
            raise FieldError(path=("grid",), reason=f"found more than {MAX_TASKS} contexts; allowed: fewer")
        return self

    @property
    def axes(self) -> dict[str, tuple[float, ...]]:
        """The grid's values per feature; empty where the part is no grid."""
        grid = self.grid or {}
        return {name: axis.values if isinstance(axis, Linspace) else axis for name, axis in grid.items()}

    @property
    def explicit(self) -> tuple[dict[str, float], ...]:
        """The contexts of a list or a grid as written (partial, nothing dropped); empty for a sample."""
        if self.list is not None:
            return self.list
        axes = self.axes
        points = itertools.product(*axes.values()) if axes else ()
        return tuple(dict(zip(axes, point, strict=True)) for point in points)

    def keeps(self, context: Context) -> bool:
        """Whether neither `keep` nor `without` drops a context."""
        side = self.keep is None or context.inside == (self.keep == "inside")
        return side and not any(context.agrees(each) for each in self.without)


def _parts(value: Any) -> Any:
    return [value] if isinstance(value, (Mapping, Part)) else value


Parts = Annotated[tuple[Part, ...], Field(max_length=1000), BeforeValidator(_parts)]


class Splits(Model):
    """The four splits that a training evaluates, and the rim.

    A task of an earlier one is never in a later one: grids and samples drop it, a list must not hold it. None
    but `train` needs to have any.
    """

    train: Annotated[Parts, Field(min_length=1)] = (Part(sample=32, seed=0, fewer=True),)
    """tasks trained on, inside the training ranges"""
    validation: Parts = (Part(sample=16, seed=1, fewer=True),)
    """tasks to choose by, inside the training ranges"""
    interpolation: Parts = (Part(sample=32, seed=2, fewer=True),)
    """tasks to report, inside the training ranges"""
    extrapolation: Parts = (Part(sample=32, seed=3, fewer=True, keep="outside"),)
    """tasks to report, at least one feature outside its training range"""
    rim: Parts = ()
    """tasks to choose by what is done beyond the training ranges, at least one feature outside its range;
    played only where this split is named"""

    @model_validator(mode="before")
    @classmethod
    def _seeds_and_sides(cls, data: Any) -> Any:
        """A sample's seed and side follow from its split where the file gives none."""
        if not isinstance(data, Mapping):
            return data
        filled = dict(data)
        for seed, split in enumerate(ALL_SPLITS):
            parts = _parts(data.get(split))
            if isinstance(parts, Sequence) and not isinstance(parts, str):
                filled[split] = [_filled(part, split, seed) for part in parts]
        return filled


def _filled(part: Any, split: str, seed: int) -> Any:
    if not isinstance(part, Mapping) or part.get("sample") is None:
        return part
    side = {"keep": "outside"} if split in OUTSIDE and part.get("keep") is None else {}
    return {"seed": seed, **part, **side}
