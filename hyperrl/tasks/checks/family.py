"""Proof that a family's splits are disjoint and that each of its features does something."""

import itertools
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np

from hyperrl.errors import BaseEnvironmentError, UserError
from hyperrl.recipes import ALL_SPLITS, CONTEXT, Context
from hyperrl.tasks.actions import kind_of_family
from hyperrl.tasks.adapter import closing_base, naming
from hyperrl.tasks.checks.endless import refuse_endless
from hyperrl.tasks.checks.feature import SEEDS, FeatureCheck, backgrounds
from hyperrl.tasks.checks.options import RecordingOptions
from hyperrl.tasks.checks.schedule import check_schedule
from hyperrl.tasks.checks.trials import difference, listed_actions, play, walk
from hyperrl.tasks.contexts import assignment
from hyperrl.tasks.env import ContextualEnv
from hyperrl.tasks.family import Family

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
    feature's value must play as one that was set to it. All this is done without schedules; then a change
    within an episode must take effect where a feature has one.

    Raises:
        UserError: at the first fault: `actions` that are not the environment's; an attribute that is missing,
            cannot be set or does not survive a reset; overlapping splits; a `derived` that is not what the
            base computes; an end of a declared range that the environment or its constructor refuses; a reset
            option for evaluation that the environment refuses or never asks for; a feature that leaves stale
            what the constructor computes from it, that changes nothing, or whose value stands in the
            observation; a task that leaks into the next one; a schedule without effect; a base environment
            whose transitions do not follow from its seed, or whose episodes may never end.
    """
    schedules = {} if family.schedules is None else family.schedules.texts
    family = family.with_schedules(dict.fromkeys(schedules))
    try:
        with closing(family.make_default()) as env:
            rows = _check(family, env)
            for name, text in schedules.items():
                rows.append(CheckRow(f"schedule {name}", f"{text}; {check_schedule(family, env, name)}"))
            return rows
    except BaseEnvironmentError as error:
        raise UserError(str(error)) from error


def _check(family: Family, env: ContextualEnv) -> list[CheckRow]:
    refuse_endless(family)
    _check_actions(family)
    listed_actions(family.recipe.check.actions or (), env)
    sizes = {split: len(family.tasks(split)) for split in ALL_SPLITS}
    tasks = ", ".join(f"{split} {count}" for split, count in sizes.items() if count)
    held_out = sum(sizes.values()) > sizes["train"]
    rows = [CheckRow("splits", f"disjoint; tasks: {tasks}" if held_out else f"tasks: {tasks}, none held out")]
    _check_ends(family)
    rows += _check_options(family)
    _check_repeatable(family)
    trial = _Trial(family, env)
    for carrier in env.carriers:
        carrier.check(trial)
    for name in family.space.names:
        check = FeatureCheck(family, env, name)
        rows.append(CheckRow(f"feature {name}", check.effect()))
        check.refuse_in_observation()
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

    def make_base(self) -> AbstractContextManager[gym.Env[Any, Any]]:
        return closing_base(self.family.make_default_base())

    def plays_alike(self, one: ContextualEnv, other: ContextualEnv, context: Context, where: str) -> bool:
        return not difference(play(one, where, 0, context), play(other, where, 0, context), exact=False)


def _check_actions(family: Family) -> None:
    """Refuse `actions` that are not those of the environment."""
    declared, kind = family.recipe.actions, kind_of_family(family)
    if declared not in (None, kind):
        raise UserError(f"actions: found {declared!r}; allowed: {kind}, as its environment has them, or none")


def _check_options(family: Family) -> list[CheckRow]:
    """Refuse reset options that the environment refuses or never asks for; tell where that cannot be seen."""
    options = family.recipe.evaluation.options
    if not options:
        return []
    names: dict[Any, None] = {}
    with closing(family.make_default()) as env:
        for context, seed in itertools.product(backgrounds(family), SEEDS):
            recorded = RecordingOptions(options, names)
            with naming(f"evaluation.options {assignment(options)}"):
                env.reset(seed=seed, options={CONTEXT: context})
                env.env.reset(seed=seed, options=recorded)
                walk(env, seed)
            if recorded.iterated:
                detail = "are taken as a whole, so that it is not seen whether the base reads each of them"
                return [CheckRow("evaluation.options", detail)]
            if options.keys() <= names.keys():
                return []
        unread = next(name for name in options if name not in names)
        raise UserError(
            f"evaluation.options.{unread}: found an option that {type(env.base).__name__} never asks for;"
            f" allowed: {', '.join(map(str, names)) or 'none'}"
        )


def _check_repeatable(family: Family) -> None:
    """Refuse a base whose transitions follow from no seed, in one environment or in two made alike."""
    plays = []
    for _ in range(2):
        with closing(family.make_default()) as env:
            *traces, last, again = (
                play(env, "a task played twice", 0, task)
                for task in (*backgrounds(family), backgrounds(family)[-1])
            )
        plays.append([*traces, last])
        if difference(last, again):
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


def _check_ends(family: Family) -> None:
    """Refuse a range at whose ends, or within, the environment cannot be set, fails, or gives no numbers."""
    with closing(family.make_default()) as env:
        for name in family.space.names:
            feature = family.space.features[name]
            low, high = feature.train
            counts = env.carriers.of(name).counts(name)
            for value in feature.values or (*feature.widest, low + _WITHIN * (high - low)):
                where = f"feature {name!r} at {value:g}"
                try:
                    trace = play(env, where, 0, family.space.default | {name: value})
                except UserError as error:
                    if not counts or value.is_integer():
                        raise
                    raise UserError(
                        f"{error}; its attribute is a whole number; allowed: whole 'values'"
                    ) from error
                if not all(
                    np.isfinite(reward) and _is_finite(observation) for observation, reward, _ in trace
                ):
                    raise UserError(f"{where}: the base environment gives numbers that are not finite")


def _is_finite(part: Any) -> bool:
    return all(np.isfinite(value).all() for value in part.values() if value.dtype.kind == "f")
