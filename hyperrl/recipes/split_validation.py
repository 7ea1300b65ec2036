"""What can be said about a family's splits without drawing their samples or building its environment."""

from collections.abc import Iterator, Mapping

from hyperrl.errors import did_you_mean
from hyperrl.recipes.context import Context
from hyperrl.recipes.feature import Feature
from hyperrl.recipes.messages import FieldError, show
from hyperrl.recipes.splits import ALL_SPLITS, OUTSIDE, Part, Splits

Path = tuple[str | int, ...]
Features = Mapping[str, Feature]


def check_splits(splits: Splits, features: Features) -> None:
    """Check names, ranges, sides and overlaps of the splits' parts.

    Raises:
        FieldError: an unknown feature; a value outside the declared range; a context on the wrong side of the
            training ranges; a part from which no task is left; a listed context that an earlier split, or the
            same, holds.
    """
    holders: dict[Context, str] = {}
    for split in ALL_SPLITS:
        side = "outside" if split in OUTSIDE else "inside"
        for index, part in enumerate(getattr(splits, split)):
            path = ("splits", split, index)
            for where, name in _names(part):
                if name not in features:
                    reason = f"unknown feature{did_you_mean(name, features)}"
                    raise FieldError(path=(*path, *where, name), reason=reason)
            if part.anywhere and split != "train":
                raise FieldError(
                    path=(*path, "anywhere"), found=True, allowed="false in all splits but train"
                )
            if part.keep not in (None, side):
                allowed = f"{side} in the split {split}"
                raise FieldError(path=(*path, "keep"), found=part.keep, allowed=allowed)
            if part.sample is not None:
                _check_sample(part, side == "outside", features, path)
            else:
                _check_explicit(part, split, features, path, holders)


def _names(part: Part) -> Iterator[tuple[Path, str]]:
    """Every name of a feature in a part, and where it is."""
    for field in ("list", "without"):
        for index, context in enumerate(getattr(part, field) or ()):
            yield from (((field, index), name) for name in context)
    for field in ("grid", "ranges"):
        yield from (((field,), name) for name in getattr(part, field) or ())


def _check_sample(part: Part, beyond: bool, features: Features, path: Path) -> None:
    ranges = part.ranges or {}
    for name, intervals in ranges.items():
        feature = features[name]
        if feature.values is not None:
            reason = f"found a range of a feature that takes only {show([*feature.values])}; allowed: none"
            raise FieldError(path=(*path, "ranges", name), reason=reason)
        low, high = feature.widest if beyond else feature.train
        for index, interval in enumerate(intervals):
            if not low <= interval[0] < interval[1] <= high:
                where = (*path, "ranges", name, index)
                raise FieldError(path=where, found=interval, allowed=f"within {[low, high]}")
    if beyond and not any(feature.reaches_beyond(ranges.get(name, ())) for name, feature in features.items()):
        reason = "found no feature that reaches beyond its training range; allowed: at least one"
        raise FieldError(path=path, reason=reason)


def _check_explicit(
    part: Part, split: str, features: Features, path: Path, holders: dict[Context, str]
) -> None:
    """Check a list or a grid, and note that the split holds its tasks."""
    left = 0
    for index, values in enumerate(part.explicit):
        where = (*path, "grid") if part.list is None else (*path, "list", index)
        context = Context.of(features, values)
        _check_values(context, where)
        if not part.keeps(context):
            continue
        if not part.anywhere and context.inside == (split in OUTSIDE):
            side = "a feature outside its training range" if context.inside else "inside the training ranges"
            raise FieldError(path=where, found=dict(context), allowed=f"{side} in the split {split}")
        holder = holders.get(context)
        if holder is None:
            holders[context] = split
            left += 1
        elif part.list is not None and not (part.without_train and holder == "train"):
            reason = f"found {show(dict(context))}, a task of {holder} already; allowed: each task once"
            raise FieldError(path=where, reason=reason)
    if not left:
        raise FieldError(
            path=path, reason="adds no task; allowed: at least one that no earlier part or split has"
        )


def _check_values(context: Context, path: Path) -> None:
    for name, feature in context.features.items():
        if not feature.within(context[name], feature.widest):
            allowed = f"within {[*feature.widest]}"
            raise FieldError(path=(*path, name), found=context[name], allowed=allowed)
    for name, values in context.unlisted.items():
        raise FieldError(path=(*path, name), found=context[name], allowed=f"one of {[*values]}")
