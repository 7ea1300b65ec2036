"""Proof that a family's splits are disjoint and that each of its features does something."""

import itertools
import math
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from hyperrl.errors import BaseEnvironmentError, UserError
from hyperrl.recipes import CONTEXT, SPLITS, Context
from hyperrl.tasks.checks.endless import refuse_endless
from hyperrl.tasks.checks.options import AskedOptions
from hyperrl.tasks.checks.trials import Effect, Trace, difference, listed_actions, naming, play, walk
from hyperrl.tasks.contexts import assignment
from hyperrl.tasks.env import ContextualEnv
from hyperrl.tasks.family import Family

_SEEDS = (0, 1, 2)
_WITHIN = 0.4321
"""A share of the training range at which a value is hardly ever whole."""


@dataclass(frozen=True)
class CheckRow:
    """One thing that was proved: about what, and how it showed."""

    subject: str
    detail: str


def check_family(family: Family) -> list[CheckRow]:
    """Prove that no task is in two splits, and that each feature alone changes transition or reward.

    For each feature, two contexts that differ in it alone play the same actions from the same state; going
    back to the first context must bring its transitions back. An environment that was constructed with a
    feature's value must play as one that was set to it.

    Raises:
        UserError: at the first fault: an attribute that is missing, cannot be set or does not survive a
            reset; overlapping splits; a `derived` that is not what the base computes; an end of a declared
            range that the environment or its constructor refuses; a reset option for evaluation that the
            environment refuses or never asks for; a feature that leaves stale what the constructor computes
            from it, that changes nothing, or whose value stands in the observation; a task that leaks into
            the next one; a base environment whose transitions do not follow from its seed, or whose episodes
            may never end.
    """
    with _refusing_failures(), closing(family.make_default()) as env:
        refuse_endless(family)
        listed_actions(family.recipe.check.actions or (), env)
        sizes = {split: len(family.tasks(split)) for split in SPLITS}
        told = ", ".join(f"{split} {count}" for split, count in sizes.items() if count)
        rows = [CheckRow("splits", f"disjoint; tasks: {told}")]
        if sum(sizes.values()) == sizes["train"]:
            rows = [CheckRow("splits", f"tasks: {told}, none held out")]
        _check_ends(family)
        rows += _check_options(family)
        _check_repeatable(family)
        trial = _Trial(family, env)
        for carrier in family.carriers:
            carrier.check(trial)
        for name in family.space.names:
            rows.append(CheckRow(f"feature {name}", _effect(family, env, name)))
            _check_hidden(family, env, name)
    return rows


@dataclass(frozen=True)
class _Trial:
    """What carriers' own checks get of a family; see `hyperrl.tasks.carriers.Trial`."""

    family: Family
    env: ContextualEnv

    @property
    def default(self) -> Context:
        return self.family.space.default

    def make(self) -> closing[ContextualEnv]:
        return closing(self.family.make_default())

    def make_base(self) -> closing[gym.Env[Any, Any]]:
        return closing(self.family.make_base(arguments=self.family.carriers.arguments(self.default)))

    def naming(self, where: str) -> AbstractContextManager[None]:
        return naming(where)

    def plays_alike(self, one: ContextualEnv, other: ContextualEnv, context: Context, where: str) -> bool:
        return not difference(play(one, where, 0, context), play(other, where, 0, context), exact=False)


@contextmanager
def _refusing_failures() -> Iterator[None]:
    """Refuse a base environment that fails, wherever in the check it does."""
    try:
        yield
    except BaseEnvironmentError as error:
        raise UserError(str(error)) from error


def _check_options(family: Family) -> list[CheckRow]:
    """Refuse reset options that the environment refuses or never asks for; tell where that cannot be seen."""
    options = family.recipe.evaluation.options
    if not options:
        return []
    asked: dict[Any, None] = {}
    with closing(family.make_default()) as env:
        for context, seed in itertools.product(_backgrounds(family), _SEEDS):
            given = AskedOptions(options, asked)
            with naming(f"evaluation.options {assignment(options)}"):
                env.reset(seed=seed, options={CONTEXT: context})
                env.env.reset(seed=seed, options=given)
                walk(env, seed)
            if given.whole:
                told = "are taken as a whole, so that it is not seen whether the base reads each of them"
                return [CheckRow("evaluation.options", told)]
            if options.keys() <= asked.keys():
                return []
        unread = next(name for name in options if name not in asked)
        raise UserError(
            f"evaluation.options.{unread}: found an option that {type(env.base).__name__} never asks for;"
            f" allowed: {', '.join(map(str, asked)) or 'none'}"
        )


def _check_repeatable(family: Family) -> None:
    """Refuse a base whose transitions follow from no seed, in one environment or in two made alike."""
    plays: list[list[Trace]] = []
    for _ in range(2):
        with closing(family.make_default()) as env:
            tasks = _backgrounds(family)
            plays.append([play(env, "a task played twice", 0, task) for task in tasks])
            again = play(env, "a task played twice", 0, tasks[-1])
        if difference(plays[-1][-1], again):
            raise UserError(
                "one seed gives the base environment different transitions, so that no run could be repeated;"
                " allowed: a base that draws all that it draws from its own generator, `np_random`"
            )
    if any(difference(*each) for each in zip(*plays, strict=True)):
        raise UserError(
            "one seed gives two environments that are made alike different transitions, so that no run could"
            " be repeated; allowed: a base that draws at its resets alone, or a seed of its constructor's in"
            " 'kwargs'"
        )


def _effect(family: Family, env: ContextualEnv, name: str) -> str:
    what, effect = family.carriers.of(name).what(name), Effect(family, env, name)
    if len(_values(family, name)) == 1:
        only = family.space.default | {name: _values(family, name)[0]}
        _check_repeats(env, what, 0, only, only)
        return "has one value alone, which nothing compares with"
    for seed, one, other in _pairs(family, name):
        played = _check_repeats(env, what, seed, one, other)
        found = effect.of(seed, one, other, played)
        if found:
            break
    else:
        found = effect.further(_values(family, name))
    env.apply(family.space.default)
    remark = env.carriers.of(name).remark(name)
    if found:
        return "; ".join(filter(None, (found, remark)))
    raise UserError(f"{what} {effect.missing(remark)}")


def _check_repeats(
    env: ContextualEnv, what: str, seed: int, one: Context, other: Context
) -> tuple[Trace, Trace]:
    """Play two contexts; refuse what no seed holds, a reset undoes, or the task before leaves behind."""
    first = play(env, what, seed, one)
    if difference(first, play(env, what, seed, one)):
        raise UserError(
            f"{what} cannot be checked: one seed gives the base environment different transitions"
        )
    undone = env.undone()
    if undone is not None:
        raise UserError(f"{what} does not survive a reset: {undone}")
    second = play(env, what, seed, other)
    if difference(first, play(env, what, seed, one)):
        raise UserError(f"{what} leaks: after another task its transitions do not come back")
    return first, second


def _values(family: Family, name: str) -> tuple[float, ...]:
    feature = family.space.features[name]
    low, high = feature.train
    return feature.values or tuple(low + share * (high - low) for share in (0.1, 0.45, 0.9))


def _backgrounds(family: Family) -> tuple[Context, Context, Context]:
    """Values of the features that are held while one changes."""
    trained = family.tasks("train")
    return family.space.default, trained[0], trained[-1]


def _pairs(family: Family, name: str) -> Iterator[tuple[int, Context, Context]]:
    """Contexts that differ in one feature, before several backgrounds of the others."""
    values = _values(family, name)
    for background in _backgrounds(family):
        for seed in _SEEDS:
            for value in values[1:]:
                yield seed, background | {name: values[0]}, background | {name: value}


def _check_hidden(family: Family, env: ContextualEnv, name: str) -> None:
    """Refuse an observation with an entry that always is the feature's value (an angle's cosine or sine)."""
    values, what = _values(family, name), family.carriers.of(name).what(name)
    if len(values) == 1:
        return
    circle = family.space.features[name].encoding == "circle"
    repeats: list[NDArray[np.bool_]] = []
    entries: list[str] = []
    for background, value in itertools.product(_backgrounds(family), values):
        codes = np.array([math.cos(value), math.sin(value)] if circle else [value])
        played = [_row(seen) for seen, *_ in play(env, what, 0, background | {name: value})]
        entries = played[0][0]
        rows = np.stack([row for _, row in played])
        repeats.append(np.isclose(rows[:, :, None], codes, rtol=1e-6, atol=1e-9).all(axis=0))
    for entry, told in zip(entries, np.all(repeats, axis=0), strict=True):
        if told.any():
            raise UserError(
                f"{what} stands in the observation: {entry} repeats it, so that no agent is blind to it;"
                f" allowed: an observation without it ({_without(family)})"
            )


def _without(family: Family) -> str:
    """How an entry is left out of an observation."""
    with closing(family.make_base(arguments=family.carriers.arguments(family.space.default))) as base:
        keys = isinstance(base.observation_space, gym.spaces.Dict) or family.recipe.observe is not None
    return "'observe' keeps what it names" if keys else "of an environment or wrapper of your own"


def _row(part: Any) -> tuple[list[str], NDArray[np.float64]]:
    """The numbers of a base observation, and what each is called: "obs[0]"."""
    arrays = {key: value.ravel() for key, value in part.items() if value.dtype.kind in "fiub"}
    names = [f"{key}[{index}]" for key, value in arrays.items() for index in range(value.size)]
    return names, np.concatenate([*arrays.values(), np.zeros(0)]).astype(np.float64)


def _check_ends(family: Family) -> None:
    """Refuse a range at whose ends, or within, the environment cannot be set, fails, or gives no numbers."""
    with closing(family.make_default()) as env:
        for name in family.space.names:
            feature = family.space.features[name]
            low, high = feature.train
            counts = env.carriers.of(name).counts(name)
            for value in feature.values or (
                *family.space.features[name].widest,
                low + _WITHIN * (high - low),
            ):
                where = f"feature {name!r} at {value:g}"
                try:
                    trace = play(env, where, 0, family.space.default | {name: value})
                except UserError as error:
                    if not counts or value.is_integer():
                        raise
                    raise UserError(
                        f"{error}; its attribute is a whole number; allowed: whole 'values'"
                    ) from error
                if not all(np.isfinite(reward) and _is_finite(seen) for seen, reward, _ in trace):
                    raise UserError(f"{where}: the base environment gives numbers that are not finite")


def _is_finite(part: Any) -> bool:
    return all(np.isfinite(value).all() for value in part.values() if value.dtype.kind == "f")
