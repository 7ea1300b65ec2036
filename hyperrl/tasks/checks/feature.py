"""Proof that one feature changes transition or reward, and that the observation does not tell its value."""

import math
from collections.abc import Iterable
from itertools import product

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from hyperrl.errors import UserError
from hyperrl.recipes import Context
from hyperrl.tasks.adapter import closing_base
from hyperrl.tasks.checks import trials
from hyperrl.tasks.checks.trials import Actions, Trace, difference, play
from hyperrl.tasks.env import ContextualEnv
from hyperrl.tasks.family import Family

SEEDS = (0, 1, 2)
_SEEDS_FURTHER = range(6)


def backgrounds(family: Family) -> tuple[Context, Context, Context]:
    """Values of the other features that are held while one feature changes."""
    trained = family.tasks("train")
    return family.space.default, trained[0], trained[-1]


class FeatureCheck:
    """Compares plays of contexts that differ in one feature alone."""

    def __init__(self, family: Family, env: ContextualEnv, name: str) -> None:
        """Take the family, an environment of it, and the feature's name."""
        self._family, self._env, self._name = family, env, name
        self._feature, self._carrier = family.space.features[name], env.carriers.of(name)
        self._what = self._carrier.what(name)
        low, high = self._feature.train
        shares = (0.1, 0.45, 0.9)
        self._values = self._feature.values or tuple(low + share * (high - low) for share in shares)
        self._start_differs = False
        self._steps = {"random": 0, "given": 0}

    def effect(self) -> str:
        """Tell what the feature changes.

        Raises:
            UserError: it changes nothing; a reset undoes it; or a task leaks into the next one.
        """
        default = self._family.space.default
        if not self._carrier.simulated:
            return f"is {self._feature.carried_by(self._name)} of the algorithm, which the environment lacks"
        if len(self._values) == 1:
            only = default | {self._name: self._values[0]}
            self._play_in_turn(0, only, only)
            return "has one value alone, which nothing compares with"
        effect = self._near_the_start() or self._further()
        self._env.apply(default)
        remark = self._carrier.remark(self._name)
        if effect is None:
            raise UserError(f"{self._what} changes {self._without_effect(remark)}")
        return effect if remark is None else f"{effect}; {remark}"

    def _contexts(self, background: Context, values: Iterable[float]) -> list[Context]:
        return [background | {self._name: value} for value in values]

    def _near_the_start(self) -> str | None:
        for background, seed, value in product(backgrounds(self._family), SEEDS, self._values[1:]):
            one, other = self._contexts(background, (self._values[0], value))
            effect = self._compare(seed, one, other, self._play_in_turn(seed, one, other))
            if effect:
                return effect
        return None

    def _further(self) -> str | None:
        """Look further from the start: by the actions that the family's file gives, and by held ones."""
        recipe, where = self._family.recipe.check, f"feature {self._name!r}"
        ways: list[tuple[str, Actions]] = [("random", trials.held_actions)]
        if recipe.actions:
            ways.insert(0, ("given", trials.listed_actions(recipe.actions, self._env)))
        one, other = self._contexts(self._family.space.default, (self._values[0], self._values[-1]))
        for (kind, actions), seed in product(ways, _SEEDS_FURTHER):
            first, second = (
                play(self._env, where, seed, each, None, actions, recipe.steps) for each in (one, other)
            )
            effect = self._compare(seed, one, other, (first, second), kind, actions, recipe.steps)
            if effect:
                return effect
        return None

    def _play_in_turn(self, seed: int, one: Context, other: Context) -> tuple[Trace, Trace]:
        """Play two contexts; refuse what no seed holds, a reset undoes, or the task before leaves behind."""
        first = play(self._env, self._what, seed, one)
        if difference(first, play(self._env, self._what, seed, one)):
            raise UserError(
                f"{self._what} cannot be checked: one seed gives the base environment different transitions"
            )
        undone = self._env.find_undone()
        if undone is not None:
            raise UserError(f"{self._what} does not survive a reset: {undone}")
        second = play(self._env, self._what, seed, other)
        if difference(first, play(self._env, self._what, seed, one)):
            raise UserError(f"{self._what} leaks: after another task its transitions do not come back")
        return first, second

    def _compare(
        self, seed: int, one: Context, other: Context, traces: tuple[Trace, Trace], kind: str = "random",
        actions: Actions = trials.random_actions, steps: int = trials.STEPS,
    ) -> str | None:  # fmt: skip
        """Tell what differs in the plays of two contexts; None: nothing.

        Where the feature is read at every step, so that it may change a start, both play from the same one.
        """
        first, second = traces
        if self._feature.at == "step" and trials.differ(first[0][0], second[0][0]):
            self._start_differs = True
            where = f"feature {self._name!r}"
            first, second = (play(self._env, where, seed, each, one, actions, steps) for each in (one, other))
        self._steps[kind] += len(first) - 1
        changed = difference(first, second)
        values = f"{one[self._name]:g} against {other[self._name]:g}"
        return changed and f"changes the {changed} ({values}, seed {seed})"

    def _without_effect(self, reason: str | None) -> str:
        """Say what was tried in which nothing differed, and why or what to do."""
        changed = "the start state alone" if self._start_differs else "neither transition nor reward"
        if reason is not None:
            return f"{changed}: {reason}"
        steps = " and ".join(f"{count:,} {kind}" for kind, count in self._steps.items() if count)
        return (
            f"{changed}: it is not read, or not reached in {steps} steps; where it counts far from"
            " the start alone (a touch, a goal), give actions that lead there: 'check: {actions: [...]}'"
        )

    def refuse_in_observation(self) -> None:
        """Refuse an observation of which an entry always is the value (an angle's cosine or sine)."""
        if len(self._values) == 1:
            return
        repeats: list[NDArray[np.bool_]] = []
        entries: list[str] = []
        for background, value in product(backgrounds(self._family), self._values):
            circle = self._feature.encoding == "circle"
            codes = np.array([math.cos(value), math.sin(value)] if circle else [value])
            (context,) = self._contexts(background, [value])
            rows = []
            for observation, *_ in play(self._env, self._what, 0, context):
                parts = {key: part.ravel() for key, part in observation.items() if part.dtype.kind in "fiub"}
                rows.append(np.concatenate([*parts.values(), np.zeros(0)]).astype(np.float64))
            entries = [f"{key}[{index}]" for key, part in parts.items() for index in range(part.size)]
            repeats.append(np.isclose(np.stack(rows)[:, :, None], codes, rtol=1e-6, atol=1e-9).all(axis=0))
        for entry, repeated in zip(entries, np.all(repeats, axis=0), strict=True):
            if repeated.any():
                raise UserError(
                    f"{self._what} stands in the observation: {entry} repeats it, so that no agent is blind"
                    f" to it; allowed: an observation without it ({self._how_to_leave_out()})"
                )

    def _how_to_leave_out(self) -> str:
        """How an entry is left out of an observation."""
        with closing_base(self._family.make_default_base()) as base:
            keys = (
                isinstance(base.observation_space, gym.spaces.Dict) or self._family.recipe.observe is not None
            )
        return "'observe' keeps what it names" if keys else "of an environment or wrapper of your own"
