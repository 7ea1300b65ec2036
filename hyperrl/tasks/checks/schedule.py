"""Proof that a feature with a schedule takes effect where it changes within an episode."""

from collections.abc import Iterator
from itertools import islice, product

from hyperrl.errors import UserError
from hyperrl.recipes import CONTEXT, Context
from hyperrl.tasks.adapter import naming
from hyperrl.tasks.checks import trials
from hyperrl.tasks.checks.trials import Actions, Trace, base_part, difference
from hyperrl.tasks.env import ContextualEnv
from hyperrl.tasks.family import Family

_SEEDS = range(6)
_CHANGES = (1, 10)
"""Steps after which a feature changes."""


def check_schedule(family: Family, env: ContextualEnv, name: str) -> str:
    """Tell what a change of a feature within an episode changes.

    Args:
        family: without schedules.
        env: an environment of it.
        name: the feature.

    Raises:
        UserError: it changes nothing.
    """
    feature, default, what = (
        family.space.features[name],
        family.space.default,
        env.carriers.of(name).what(name),
    )
    low, high = feature.train
    values = feature.values or (low + 0.1 * (high - low), low + 0.9 * (high - low))
    one, other = (default | {name: value} for value in (values[0], values[-1]))
    for actions, seed, after in product(_ways(family, env), _SEEDS, _CHANGES):
        steps = family.recipe.check.steps
        plain = _play(env, what, seed, (one, one), after, actions, steps)
        changed = difference(plain, _play(env, what, seed, (one, other), after, actions, steps))
        if changed:
            env.apply(default)
            return f"a change after {after} step{'s' * (after > 1)} changes the {changed}"
    raise UserError(
        f"{what} has a schedule, but a change within an episode changes neither transition nor reward: it is"
        " read at a reset alone, or far from the start; allowed: no schedule, or 'check: {actions: [...]}'"
    )


def _ways(family: Family, env: ContextualEnv) -> Iterator[Actions]:
    yield trials.random_actions
    if family.recipe.check.actions:
        yield trials.listed_actions(family.recipe.check.actions, env)
    yield trials.held_actions


def _play(
    env: ContextualEnv, where: str, seed: int, contexts: tuple[Context, Context], after: int,
    actions: Actions, steps: int,
) -> Trace:  # fmt: skip
    """Play an episode, which goes over from one context to another after some steps."""
    trace: Trace = []
    with naming(where):
        env.reset(seed=seed, options={CONTEXT: contexts[0]})
        for number, action in enumerate(islice(actions(env, seed), steps)):
            if number == after:
                env.apply(contexts[1])
            observation, reward, terminated, truncated, _ = env.step(action)
            trace.append((base_part(observation), float(reward), terminated))
            if terminated or truncated:
                break
    return trace
