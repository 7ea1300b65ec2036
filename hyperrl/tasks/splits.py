"""Lists the tasks of a recipe's splits."""

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hyperrl.errors import UserError, check_known, user_syntax
from hyperrl.recipes import ALL_SPLITS, OUTSIDE, RIM, Context, FamilyRecipe, Part, Splits
from hyperrl.tasks.axes import Axis
from hyperrl.tasks.contexts import ContextSpace, assignment

_MOST_CANDIDATES = 2**15


def tasks_of(
    recipe: FamilyRecipe, space: ContextSpace, split: str, earlier: Mapping[str, Sequence[Context]]
) -> list[Context]:
    """List a split's tasks, each once, in the recipe's order.

    Args:
        recipe: the family.
        space: its features.
        split: its name.
        earlier: tasks of the splits before it, by name. Grids and samples drop them, and so does a list with
            `without_train` with those of `train`; any other list that holds one is refused.

    Raises:
        UserError: an overlap with an earlier split, or a sample that cannot be filled.
    """
    trained, taken = set(earlier.get("train", ())), set(chain(*earlier.values()))
    tasks: dict[Context, None] = {}
    for part in getattr(recipe.splits, split):
        where = f"{recipe.name}: split {split!r}"
        if part.sample is not None:
            new = _sampled(part, space, split, taken | set(tasks), where)
        else:
            explicit = [Context.of(space.features, values) for values in part.explicit]
            new = [context for context in explicit if part.keeps(context)]
        if part.without_train:
            new = [context for context in new if context not in trained]
        if part.list is not None:
            _refuse_overlap(new, taken, where)
        tasks |= dict.fromkeys(context for context in new if context not in taken)
    return list(tasks)


def _refuse_overlap(contexts: Sequence[Context], taken: Collection[Context], where: str) -> None:
    for context in contexts:
        if context in taken:
            raise UserError(
                f"{where} lists {assignment(context, digits=10)}, a task of an earlier split;"
                " splits may not overlap"
            )


def leave_out(
    recipe: FamilyRecipe,
    space: ContextSpace,
    contexts: Sequence[Mapping[str, float]],
    tasks: Callable[[str], list[Context]],
) -> FamilyRecipe:
    """Move training tasks into the split of interpolation, in the place of what it had.

    Args:
        recipe: the family.
        space: its features.
        contexts: those to move; one that names some features alone moves all that agree on those.
        tasks: lists a split's tasks.

    Raises:
        UserError: an unknown feature, a value that is no finite number, a context that no training task has,
            or none left to train on.
    """
    where = f"{recipe.name}: {user_syntax('leave_out', '--leave-out')}"
    trained = tasks("train")
    for context in contexts:
        check_known(where, "feature", context, space.names)
    contexts = [{name: space.complete(context)[name] for name in context} for context in contexts]
    for context in contexts:
        if not any(_agrees(task, context) for task in trained):
            some = "; ".join(assignment(task) for task in trained[:4])
            more = "; ..." if len(trained) > 4 else ""
            raise UserError(
                f"{where}: found {assignment(context)}, which no training task has; allowed: {some}{more}"
            )
    moved = [task for task in trained if any(_agrees(task, context) for context in contexts)]
    left = [task for task in trained if task not in moved]
    if not left:
        raise UserError(f"{where}: no task is left to train on; there are {len(trained)} in all")
    lists = {"train": left, "interpolation": moved} | {
        split: tasks(split) for split in ("validation", "extrapolation", RIM)
    }
    return recipe.model_copy(update={"splits": _listed(lists)})


def train_on(
    recipe: FamilyRecipe, contexts: Sequence[Context], tasks: Callable[[str], list[Context]]
) -> FamilyRecipe:
    """The family with other training tasks; those of them that other splits hold are left out there.

    Args:
        recipe: the family.
        contexts: the training tasks.
        tasks: lists a split's tasks.

    Raises:
        UserError: a context outside the training ranges.
    """
    for context in contexts:
        for name, (low, high) in context.outside.items():
            raise UserError(
                f"{recipe.name}: task {assignment(context)}: found {name} outside its training range;"
                f" allowed: {low:g} to {high:g}"
            )
    trained = set(contexts)
    lists = {"train": [*dict.fromkeys(contexts)]} | {
        split: [task for task in tasks(split) if task not in trained]
        for split in ("validation", "interpolation", "extrapolation", RIM)
    }
    return recipe.model_copy(update={"splits": _listed(lists)})


def _listed(lists: Mapping[str, Sequence[Context]]) -> Splits:
    """Splits that list their tasks."""
    parts = {
        split: [{"list": [dict(task) for task in listed]}] if listed else []
        for split, listed in lists.items()
    }
    return Splits.model_validate(parts)


def only_tasks(
    recipe: FamilyRecipe,
    space: ContextSpace,
    contexts: Sequence[Mapping[str, float]],
    option: str | None = None,
) -> FamilyRecipe:
    """Some tasks as the only ones of a family, all of them to train on.

    Args:
        recipe: the family.
        space: its features.
        contexts: the tasks, within the declared ranges; features left out take their defaults.
        option: what named the tasks, for messages; None: the one for contexts.

    Raises:
        UserError: an unknown feature, or a value that is no number of the declared range.
    """
    listed = [dict(context) for context in dict.fromkeys(map(space.complete, contexts))]
    empty: dict[str, list[Any]] = {split: [] for split in ALL_SPLITS if split != "train"}
    splits = {"train": [{"list": listed, "anywhere": True}], **empty}
    data = {**recipe.model_dump(by_alias=True), "splits": splits}
    return type(recipe).parse(data, f"{recipe.name}: {option or user_syntax('contexts', '--context')}")


def task_alone(recipe: FamilyRecipe) -> Context | None:
    """The task of a family that lists one task and no other, as `only_tasks` makes it; None for any other."""
    parts = [part for split in ALL_SPLITS for part in getattr(recipe.splits, split)]
    if len(parts) != 1 or parts[0].list is None or len(parts[0].list) != 1:
        return None
    return Context.of(recipe.features, parts[0].list[0])


def _agrees(task: Context, context: Mapping[str, float]) -> bool:
    """Whether a task has the values of a context, to as many digits as are printed."""
    return all(math.isclose(task[name], value, rel_tol=1e-6, abs_tol=1e-9) for name, value in context.items())


def _sampled(part: Part, space: ContextSpace, split: str, taken: set[Context], where: str) -> list[Context]:
    """Draw Sobol points, twice as many each time, until enough of them are new tasks of the split."""
    count = part.sample or 0
    beyond = split in OUTSIDE

    def left(contexts: Iterable[Context]) -> Iterator[Context]:
        seen = set(taken)
        for context in contexts:
            wrong_side = beyond and context.inside
            if not wrong_side and context not in seen and part.keeps(context):
                seen.add(context)
                yield context

    axes = {
        name: Axis(feature, feature.widest if beyond else feature.train, (part.ranges or {}).get(name))
        for name, feature in space.features.items()
    }
    values = {name: axis.values.tolist() for name, axis in axes.items() if axis.values is not None}
    if part.fewer and len(values) == len(axes) and math.prod(map(len, values.values())) <= _MOST_CANDIDATES:
        every = list(islice(left(space.grid(values)), count + 1))
        if len(every) <= count:
            return every
    exponent = max(0, math.ceil(math.log2(count)))
    most = max(_MOST_CANDIDATES, 2**exponent)
    while 2**exponent <= most:
        points = sobol(len(axes), exponent, part.seed)
        drawn = np.stack([axis.at(points[:, index]) for index, axis in enumerate(axes.values())], axis=1)
        tasks = list(islice(left(space.contexts(drawn)), count))
        if len(tasks) == count:
            return tasks
        exponent += 1
    if part.fewer:
        return tasks
    raise UserError(f"{where} samples {count} tasks, but only {len(tasks)} different ones can be drawn")


def sobol(dimension: int, exponent: int, seed: int) -> NDArray[np.float64]:
    """Draw 2^exponent points (2^exponent, dimension) in [0, 1) of a scrambled Sobol sequence (Owen, 1998)."""
    from scipy.stats import qmc

    points: NDArray[np.float64] = qmc.Sobol(dimension, rng=np.random.default_rng(seed)).random_base2(exponent)
    return points
