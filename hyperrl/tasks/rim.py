"""Holds out a rim of the training ranges, to choose by what an agent does beyond what it trained on."""

from collections.abc import Callable
from typing import Any

from hyperrl.arguments import SEED, finite, integer, validate_arguments
from hyperrl.errors import UserError
from hyperrl.recipes import MAX_TASKS, RIM, Context, FamilyRecipe, Feature, Splits
from hyperrl.recipes.split_validation import check_splits
from hyperrl.tasks.contexts import ContextSpace


@validate_arguments({"factor": finite(above=0, below=1), "count": integer(1, MAX_TASKS), "seed": SEED})
def hold_out_rim(
    recipe: FamilyRecipe,
    space: ContextSpace,
    tasks: Callable[[str], list[Context]],
    *,
    factor: float,
    count: int,
    seed: int,
) -> FamilyRecipe:
    """The family with narrower training ranges, and a split `rim` of tasks between these and the old ones.

    The range of every linear feature without `values` shrinks about its center. Tasks of training and
    validation move in with it, by the same affine map. Interpolation keeps those of its tasks that lie in the
    narrower ranges and are not trained on, and validation gives way to them; extrapolation keeps all. The rim
    is a Sobol sample of the old ranges, each task with a feature outside the narrower ones, without tasks of
    the old interpolation.

    Args:
        recipe: the family.
        space: its features.
        tasks: lists a split's tasks.
        factor: of the width of each range, between 0 and 1.
        count: tasks of the rim.
        seed: of their sample.

    Raises:
        UserError: a number out of range, no feature whose range can shrink, or a rim already.
    """
    where = f"{recipe.name}: hold_out_rim"
    if recipe.splits.rim:
        raise UserError(f"{where}: found a family with a split 'rim'; allowed: one without")
    features = {name: _narrower(feature, factor) for name, feature in space.features.items()}
    if features == space.features:
        raise UserError(f"{where}: found no linear feature without 'values'; allowed: a family with one")

    def moved(task: Context) -> Context:
        return Context.of(
            features,
            {name: _moved(value, space.features[name], features[name]) for name, value in task.items()},
        )

    train = dict.fromkeys(moved(task) for task in tasks("train"))
    reported = [Context.of(features, task.raw) for task in tasks("interpolation")]
    interpolation = dict.fromkeys(task for task in reported if task.inside and task not in train)
    taken = {*train, *interpolation}
    lists = {
        "train": train,
        "validation": dict.fromkeys(task for task in map(moved, tasks("validation")) if task not in taken),
        "interpolation": interpolation,
        "extrapolation": tasks("extrapolation"),
    }
    parts: dict[str, Any] = {
        split: [{"list": [dict(task) for task in listed]}] if listed else []
        for split, listed in lists.items()
    }
    parts[RIM] = {
        "sample": count,
        "seed": seed,
        "ranges": {name: [feature.train] for name, feature in space.features.items() if not feature.values},
        "without": [
            *({name: value} for name, feature in space.features.items() for value in _untrained(feature)),
            *(dict(task) for task in reported if not task.inside),
        ],
    }
    splits = Splits.model_validate(parts)
    check_splits(splits, features)
    return recipe.model_copy(update={"features": features, "splits": splits})


def _narrower(feature: Feature, factor: float) -> Feature:
    """The feature with its training range shrunk, where that is a range of numbers.

    Raises:
        UserError: nothing would be left of the range.
    """
    if feature.encoding != "linear" or feature.values is not None:
        return feature
    (low, high), widest = feature.train, feature.widest
    center, reach = (low + high) / 2, factor * (high - low) / 2
    train = [float(f"{end:.9g}") for end in (center - reach, center + reach)]
    if not train[0] < train[1]:
        raise UserError(f"factor: found {factor:g}; allowed: one that leaves a range about {center:g}")
    return Feature.model_validate(feature.model_dump() | {"train": train, "extrapolation": widest})


def _moved(value: float, before: Feature, after: Feature) -> float:
    """A value at the same place of the new range, to 6 digits, so that a printed task is the task."""
    if before == after:
        return value
    (low, high), (new_low, new_high) = before.train, after.train
    raw = new_low + (value - low) / (high - low) * (new_high - new_low)
    return min(max(float(f"{raw:.6g}"), new_low), new_high)


def _untrained(feature: Feature) -> list[float]:
    """Those of its only values that lie outside its training range."""
    return [value for value in feature.values or () if not feature.within(value, feature.train)]
