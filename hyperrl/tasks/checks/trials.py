"""Short plays of an environment from seeds, and what differs between two of them."""

from collections.abc import Callable, Iterator, Sequence
from itertools import cycle, islice
from typing import Any

import numpy as np
from gymnasium.utils.env_checker import data_equivalence

from hyperrl.errors import UserError
from hyperrl.recipes import CONTEXT, Context
from hyperrl.recipes.messages import show
from hyperrl.tasks.adapter import naming
from hyperrl.tasks.env import ContextualEnv

STEPS = 50
_HELD = 10

Trace = list[tuple[Any, float, bool]]
"""Per step: base observation, reward, terminated."""

Actions = Callable[[ContextualEnv, int], Iterator[Any]]
"""The actions that are played in an environment, given a seed, each asked for when it is to be taken."""


def random_actions(env: ContextualEnv, seed: int) -> Iterator[Any]:
    """Random actions, valid ones where the base masks actions, each for a step."""
    env.action_space.seed(seed)
    while True:
        yield env.sample_action()


def held_actions(env: ContextualEnv, seed: int) -> Iterator[Any]:
    """Random actions, each for ten steps, or for as long as it is valid: they lead further from the start."""
    for action in random_actions(env, seed):
        for repeat in range(_HELD):
            if repeat and not env.allows(action):
                break
            yield action


def listed_actions(actions: Sequence[Any], env: ContextualEnv) -> Actions:
    """These actions of the base environment in turn, over and over.

    Raises:
        UserError: one of them is none of the base's action space.
    """
    space, start, listed = env.env.action_space, env.adapter.action_start, []
    for index, each in enumerate(actions):
        try:
            action: Any = np.asarray(each, space.dtype).reshape(space.shape or ())
        except (TypeError, ValueError):
            action = None
        if action is None or not space.contains(action) or not np.array_equal(np.ravel(each), action.ravel()):
            raise UserError(f"check.actions.{index}: found {show(each)}; allowed: an action of {space}")
        listed.append(action if start is None else action - start)
    return lambda env, seed: cycle(listed)


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
    for action in islice(actions(env, seed), steps):
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
