"""What can be said about a family's splits without enumerating its samples or building its environment."""

from collections.abc import Iterator, Mapping

from hyperrl.errors import did_you_mean
from hyperrl.recipes.context import Context
from hyperrl.recipes.feature import Feature
from hyperrl.recipes.messages import FieldError, show
from hyperrl.recipes.splits import SPLITS, Part, Splits

Path = tuple[str | int, ...]


Features = Mapping[str, Feature]


def check_splits(splits: Splits, features: Features) -> None:
    """Checks names, ranges, sides and overlaps of the splits' parts.

    Raises:
        FieldError: an unknown feature; a value outside the declared range; a context on the wrong side of the
            training ranges; a part from which no task is left; a listed context that an earlier split, or the
            same, holds.
    """
    taken: dict[Context, str] = {}
    for split in SPLITS:
        own: dict[Context, str] = {}
        for index, part in enumerate(getattr(splits, split)):
            path = ("splits", split, index)
            _check_names(part, features, path)
            if part.sample is not None:
                _check_sample(part, split, features, path)
            else:
                _check_explicit(part, split, features, path, taken, own)
        taken.update(own)


def _check_names(part: Part, features: Features, path: Path) -> None:
    named: list[tuple[Path, str]] = []
    named += [(("list", index), name) for index, context in enumerate(part.list or ()) for name in context]
    named += [(("grid",), name) for name in part.grid or ()]
    named += [(("ranges",), name) for name in part.ranges or ()]
    named += [(("without", index), name) for index, context in enumerate(part.without) for name in context]
    for where, name in named:
        if name not in features:
            raise FieldError(
                path=(*path, *where, name), reason=f"unknown feature{did_you_mean(name, features)}"
            )


def _check_sample(part: Part, split: str, features: Features, path: Path) -> None:
    beyond = split == "extrapolation"
    if part.keep == ("inside" if beyond else "outside"):
        _refuse_keep(part, split, path)
    for name, intervals in (part.ranges or {}).items():
        feature = features[name]
        if feature.values is not None:
            reason = f"found a range of a feature that takes only {show([*feature.values])}; allowed: none"
            raise FieldError(path=(*path, "ranges", name), reason=reason)
        low, high = feature.widest if beyond else feature.train
        for index, interval in enumerate(intervals):
            if not low <= interval[0] < interval[1] <= high:
                raise FieldError(
                    path=(*path, "ranges", name, index), found=[*interval], allowed=f"within {[low, high]}"
                )
    if beyond and not any(_reaches_beyond(feature, part, name) for name, feature in features.items()):
        raise FieldError(
            path=path, reason="found no feature that reaches beyond its training range; allowed: at least one"
        )


def _reaches_beyond(feature: Feature, part: Part, name: str) -> bool:
    low, high = feature.train
    if feature.values is not None:
        return any(not low <= value <= high for value in feature.values)
    intervals = (part.ranges or {}).get(name, (feature.widest,))
    return any(interval[0] < low or interval[1] > high for interval in intervals)


def _refuse_keep(part: Part, split: str, path: Path) -> None:
    allowed = "outside" if split == "extrapolation" else "inside"
    raise FieldError(path=(*path, "keep"), found=part.keep, allowed=f"{allowed} in the split {split}")


def _check_explicit(
    part: Part,
    split: str,
    features: Features,
    path: Path,
    taken: Mapping[Context, str],
    own: dict[Context, str],
) -> None:
    side = "outside" if split == "extrapolation" else "inside"
    if part.keep not in (None, side):
        _refuse_keep(part, split, path)
    left = 0
    for where, context in _complete(part, features, path):
        _check_values(context, where)
        if not part.keeps(context):
            continue
        if context.inside != (side == "inside"):
            wanted = (
                "inside the training ranges" if side == "inside" else "a feature outside its training range"
            )
            raise FieldError(path=where, found=dict(context), allowed=f"{wanted} in the split {split}")
        holder = taken.get(context) or own.get(context)
        if holder is not None and part.list is not None and not (part.without_train and holder == "train"):
            raise FieldError(
                path=where,
                reason=f"found {show(dict(context))}, a task of {holder} already; allowed: each task once",
            )
        if holder is None:
            own[context] = split
            left += 1
    if not left:
        raise FieldError(path=path, reason="found no task that is left; allowed: at least one")


def _complete(part: Part, features: Features, path: Path) -> Iterator[tuple[Path, Context]]:
    for index, values in enumerate(part.explicit):
        where = (*path, "list", index) if part.list is not None else (*path, "grid")
        yield where, Context.of(features, values)


def _check_values(context: Context, path: Path) -> None:
    for name, feature in context.features.items():
        if not feature.within(context[name], feature.widest):
            allowed = f"within {[*feature.widest]}"
            raise FieldError(path=(*path, name), found=context[name], allowed=allowed)
    for name, values in context.unlisted.items():
        raise FieldError(path=(*path, name), found=context[name], allowed=f"one of {[*values]}")
