"""Short plays of an environment from seeds, and what differs between two of them."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle, islice, product
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.utils.env_checker import data_equivalence

from hyperrl.errors import BaseEnvironmentError, UserError
from hyperrl.recipes import CONTEXT, Context
from hyperrl.recipes.messages import show
from hyperrl.tasks.adapter import failure_of
from hyperrl.tasks.env import ContextualEnv
from hyperrl.tasks.family import Family

STEPS = 50
_HELD = 10
_SEEDS_FURTHER = range(6)

Trace = list[tuple[Any, float, bool]]
"""Per step: base observation, reward, terminated."""

Actions = Callable[[gym.Space[Any], int], Iterator[Any]]
"""The actions that are played, of an action space and a seed."""


def random_actions(space: gym.Space[Any], seed: int) -> Iterator[Any]:
    """Random actions, each for a step."""
    space.seed(seed)
    while True:
        yield space.sample()


def held_actions(space: gym.Space[Any], seed: int) -> Iterator[Any]:
    """Random actions, each for ten steps: they lead further from the start."""
    for action in random_actions(space, seed):
        for _ in range(_HELD):
            yield action


def listed_actions(actions: Sequence[Any], env: ContextualEnv) -> Actions:
    """These actions of the base environment in turn, over and over.

    Raises:
        UserError: one of them is none of the base's action space.
    """
    space, start, found = env.env.action_space, env.adapter.action_start, []
    for index, each in enumerate(actions):
        try:
            action: Any = np.asarray(each, space.dtype).reshape(space.shape or ())
        except (TypeError, ValueError):
            action = None
        if action is None or not space.contains(action) or not np.array_equal(np.ravel(each), action.ravel()):
            raise UserError(f"check.actions.{index}: found {show(each)}; allowed: an action of {space}")
        found.append(action if start is None else action - start)
    return lambda space, seed: cycle(found)


@contextmanager
def naming(where: str) -> Iterator[None]:
    """Raise whatever a base environment raises, and divisions by zero, as a UserError that says where."""
    try:
        with np.errstate(divide="raise", invalid="raise", over="raise"):
            yield
    except (UserError, BaseEnvironmentError) as error:
        raise UserError(f"{where}: {error}") from error
    except Exception as error:
        raise UserError(f"{where}: {failure_of(error)}") from error


def play(
    env: ContextualEnv,
    where: str,
    seed: int,
    context: Context,
    start: Context | None = None,
    actions: Actions = random_actions,
    steps: int = STEPS,
) -> Trace:
    """Play an episode, or its first steps.

    Args:
        env: the environment.
        where: how messages begin.
        seed: of the start and of the actions.
        context: what is played.
        start: the context of the reset, where it is another one.
        actions: chooses the actions.
        steps: how many at most.

    Raises:
        UserError: the base environment fails.
    """
    with naming(where):
        observation, _ = env.reset(seed=seed, options={CONTEXT: context if start is None else start})
        if start is not None:
            env.apply(context)
        return [(base_part(observation), 0.0, False), *walk(env, seed, actions, steps)]


def walk(env: ContextualEnv, seed: int, actions: Actions = random_actions, steps: int = STEPS) -> Trace:
    """Step on until the episode ends, or for so many steps."""
    trace: Trace = []
    for action in islice(actions(env.action_space, seed), steps):
        observation, reward, terminated, truncated, _ = env.step(action)
        trace.append((base_part(observation), float(reward), terminated))
        if terminated or truncated:
            break
    return trace


def base_part(observation: dict[str, Any]) -> dict[str, Any]:
    """A copy of the base's part of an observation."""
    return {key: np.array(value) for key, value in observation.items() if key != CONTEXT}


def differ(one: Any, other: Any, *, exact: bool = True) -> bool:
    """Whether two observations differ, to the last bit or by more than 1e-5."""
    return not data_equivalence(one, other, exact=exact)


def difference(one: Trace, other: Trace, *, exact: bool = True) -> str | None:
    """What differs first, to the last bit or by more than 1e-5: "transition", "reward", or None."""
    for (observation, reward, ended), (observation_, reward_, ended_) in zip(one, other, strict=False):
        if differ(observation, observation_, exact=exact) or ended != ended_:
            return "transition"
        if differ(np.array(reward), np.array(reward_), exact=exact):
            return "reward"
    return None if len(one) == len(other) else "transition"


class Effect:
    """Looks for a difference between plays of two contexts that differ in one feature."""

    def __init__(self, family: Family, env: ContextualEnv, name: str) -> None:
        """Take the family, an environment of it, and the feature."""
        self._family, self._env, self._name = family, env, name
        self._start_differs = False
        self._steps = {"random": 0, "given": 0}

    def of(
        self, seed: int, one: Context, other: Context, played: tuple[Trace, Trace], kind: str = "random",
        actions: Actions = random_actions, steps: int = STEPS,
    ) -> str | None:  # fmt: skip
        """Tell what differs in the plays of two contexts; None: nothing.

        Where the feature is read at every step, so that it may change a start, both play from the same one.
        """
        first, second = played
        at = self._family.space.features[self._name].at
        if at == "step" and differ(first[0][0], second[0][0]):
            self._start_differs = True
            where = f"feature {self._name!r}"
            first, second = (play(self._env, where, seed, each, one, actions, steps) for each in (one, other))
        self._steps[kind] += len(first) - 1
        found = difference(first, second)
        values = f"{one[self._name]:g} against {other[self._name]:g}"
        return found and f"changes the {found} ({values}, seed {seed})"

    def further(self, values: Sequence[float]) -> str | None:
        """Look further from the start: in the actions that the family's file gives, and in held ones."""
        recipe, where = self._family.recipe.check, f"feature {self._name!r}"
        ways: list[tuple[str, Actions]] = [("random", held_actions)]
        if recipe.actions:
            ways.insert(0, ("given", listed_actions(recipe.actions, self._env)))
        one, other = (self._family.space.default | {self._name: value} for value in (values[0], values[-1]))
        for (kind, actions), seed in product(ways, _SEEDS_FURTHER):
            first, second = (
                play(self._env, where, seed, each, None, actions, recipe.steps) for each in (one, other)
            )
            found = self.of(seed, one, other, (first, second), kind, actions, recipe.steps)
            if found:
                return found
        return None

    def missing(self, reason: str | None) -> str:
        """Say what was tried in which nothing differed, and why or what to do."""
        changed = "the start state alone" if self._start_differs else "neither transition nor reward"
        if reason is not None:
            return f"changes {changed}: {reason}"
        steps = " and ".join(f"{count:,} {kind}" for kind, count in self._steps.items() if count)
        return (
            f"changes {changed}: it is not read, or not reached in {steps} steps; where it counts far from"
            " the start alone (a touch, a goal), give actions that lead there: 'check: {actions: [...]}'"
        )
