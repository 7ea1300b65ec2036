"""Proof that a family's splits are disjoint and that each of its features does something."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium.utils.env_checker import data_equivalence

from hyperrl.errors import UserError
from hyperrl.recipes import SPLITS
from hyperrl.tasks.contexts import Context
from hyperrl.tasks.dynamics import batched_dynamics
from hyperrl.tasks.env import ContextualEnv
from hyperrl.tasks.family import Family

_STEPS = 50
_SEEDS = (0, 1, 2)

Trace = list[tuple[Any, float, bool]]
"""Per step: base observation, reward, terminated."""


@dataclass(frozen=True)
class CheckRow:
    """One thing that was proved: about what, and how it showed."""

    subject: str
    detail: str


def check_family(family: Family) -> list[CheckRow]:
    """Prove that no task is in two splits, and that each feature alone changes transition or reward.

    For each feature, two contexts that differ in it alone play the same actions from the same state; going
    back to the first context must bring its transitions back.

    Raises:
        UserError: at the first fault: an attribute that stays stale; overlapping splits; an attribute that is
            missing, cannot be set or does not survive a reset; a feature that changes nothing; a task that
            leaks into the next one; a base environment whose transitions do not follow from its seed; an end
            of a declared range that the environment refuses.
    """
    _check_derived(family)
    env = family.make_default()
    try:
        sizes = ", ".join(f"{split} {len(family.tasks(split))}" for split in SPLITS)
        rows = [CheckRow("splits", f"disjoint; tasks: {sizes}")]
        rows += [CheckRow(f"feature {name}", _effect(family, env, name)) for name in family.space.names]
        _check_ends(family, env)
    finally:
        env.close()
    return rows


def _check_derived(family: Family) -> None:
    """Refuse a feature from which the base is known to compute another attribute that would stay stale."""
    dynamics = batched_dynamics(family.recipe.base, family.recipe.kwargs)
    for derived, sources in ({} if dynamics is None else dynamics.derived).items():
        for name, attribute in family.binding.attribute.items():
            if attribute in sources and derived not in family.binding.written:
                raise UserError(
                    f"{family.name}: feature {name!r} (attribute {attribute!r}) leaves {derived!r} stale,"
                    f" which the base computes from {' and '.join(sources)} once; list it under 'derived'"
                )


def _effect(family: Family, env: ContextualEnv, name: str) -> str:
    carrier = family.space.features[name].carrier or f"attribute {family.binding.attribute[name]!r}"
    feature = family.space.features[name]
    what = f"{family.name}: feature {name!r} ({carrier})"
    start_differs = False
    for seed, one, other in _pairs(family, name):
        first = _play(env, seed, one)
        if _difference(first, _play(env, seed, one)):
            raise UserError(
                f"{what} cannot be checked: one seed gives the base environment different transitions"
            )
        _check_survives(env, what)
        second = _play(env, seed, other)
        if _difference(first, _play(env, seed, one)):
            raise UserError(f"{what} leaks: after another task its transitions do not come back")
        if feature.at == "step" and _differ(first[0][0], second[0][0]):
            start_differs = True
            first, second = (_play(env, seed, context, start=one) for context in (one, other))
        found = _difference(first, second)
        if found:
            return f"changes the {found} ({one[name]:g} against {other[name]:g}, seed {seed})"
    only = "changes the start state alone" if start_differs else "changes neither transition nor reward"
    raise UserError(f"{what} {only}; a feature that the environment's steps do not read is not allowed")


def _pairs(family: Family, name: str) -> Iterator[tuple[int, Context, Context]]:
    """Contexts that differ in one feature, before several backgrounds of the others."""
    feature = family.space.features[name]
    low, high = feature.train
    values = feature.values or tuple(low + share * (high - low) for share in (0.1, 0.45, 0.9))
    trained = family.tasks("train")
    for background in (dict(family.space.default), trained[0], trained[-1]):
        for seed in _SEEDS:
            for value in values[1:]:
                yield seed, {**background, name: values[0]}, {**background, name: value}


def _play(env: ContextualEnv, seed: int, context: Context, start: Context | None = None) -> Trace:
    """Play seeded actions in `context`; `start` is the context of the reset, where it is another one."""
    observation, _ = env.reset(seed=seed, options={"context": context if start is None else start})
    if start is not None:
        env.apply(context)
    trace: Trace = [(_base_part(env, observation), 0.0, False)]
    env.action_space.seed(seed)
    for _ in range(_STEPS):
        observation, reward, terminated, truncated, _ = env.step(env.action_space.sample())
        trace.append((_base_part(env, observation), float(reward), terminated))
        if terminated or truncated:
            break
    return trace


def _base_part(env: ContextualEnv, observation: dict[str, Any]) -> Any:
    return {key: np.array(value) for key, value in observation.items() if key != "context"}


def _differ(one: Any, other: Any) -> bool:
    return not data_equivalence(one, other, exact=True)


def _difference(one: Trace, other: Trace) -> str | None:
    """What differs first: "transition", "reward", or None."""
    for (observation, reward, ended), (observation_, reward_, ended_) in zip(one, other, strict=False):
        if _differ(observation, observation_) or ended != ended_:
            return "transition"
        if reward != reward_:
            return "reward"
    return None if len(one) == len(other) else "transition"


def _check_survives(env: ContextualEnv, what: str) -> None:
    undone = env.undone()
    if undone is not None:
        raise UserError(f"{what} does not survive a reset: {undone}")


def _check_ends(family: Family, env: ContextualEnv) -> None:
    """Refuse a declared range at whose ends the environment cannot be set, or gives numbers that are none."""
    for name in family.space.names:
        feature = family.space.features[name]
        for value in feature.values or family.space.widest(name):
            where = f"{family.name}: feature {name!r} at {value:g}"
            try:
                trace = _play(env, 0, {**family.space.default, name: value})
            except UserError as error:
                raise UserError(f"{where}: {error}") from error
            if not all(np.isfinite(reward) and _is_finite(seen) for seen, reward, _ in trace):
                raise UserError(f"{where}: the base environment gives numbers that are not finite")


def _is_finite(part: Any) -> bool:
    return all(np.isfinite(value).all() for value in part.values() if value.dtype.kind == "f")
