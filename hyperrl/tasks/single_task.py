"""Cuts a family down to one of its tasks, for a specialist that is trained on that task alone."""

from typing import Any

from hyperrl.recipes import ALL_SPLITS, Context, FamilyRecipe, Feature, Splits


def only_task(recipe: FamilyRecipe, task: Context) -> FamilyRecipe:
    """The family with one task, which it trains on, and none that is held out.

    A feature of which the task has a value outside the training range has its widest range as the training
    range. All else is the family's: environment, starts and episodes of evaluations.

    Args:
        recipe: the family.
        task: a task of its splits.
    """
    features = {
        name: feature if name not in task.outside else _trained_widely(feature)
        for name, feature in recipe.features.items()
    }
    none: dict[str, list[Any]] = {split: [] for split in ALL_SPLITS}
    splits = Splits.model_validate(none | {"train": [{"list": [dict(task)]}]})
    return recipe.model_copy(update={"features": features, "splits": splits})


def task_of(recipe: FamilyRecipe) -> Context | None:
    """The task of a family that `only_task` made, or that lists one task and no other; None for any other."""
    parts = [part for split in ALL_SPLITS for part in getattr(recipe.splits, split)]
    if len(parts) != 1 or parts[0].list is None or len(parts[0].list) != 1:
        return None
    return Context.of(recipe.features, parts[0].list[0])


def _trained_widely(feature: Feature) -> Feature:
    return Feature.model_validate(feature.model_dump() | {"train": feature.widest})
