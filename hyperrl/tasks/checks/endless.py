"""Refuses a base environment whose episodes may never end."""

from contextlib import closing

from hyperrl.errors import UserError
from hyperrl.tasks.family import Family

PATIENCE = 10_000
"""Steps of random actions within which an episode without a time limit must end."""


def refuse_endless(family: Family) -> None:
    """Raise a UserError where the base has no time limit, and random actions do not end an episode.

    Training evaluates whole episodes before its first step: one that never ends would hold it up for ever.
    """
    if family.max_steps:
        return
    with closing(family.make_default()) as env:
        env.reset(seed=0)
        env.action_space.seed(0)
        for _ in range(PATIENCE):
            _, _, terminated, truncated, _ = env.step(env.sample_action())
            if terminated or truncated:
                return
    raise UserError(
        f"{family.name}: base {family.recipe.base!r} has no time limit, and an episode of random actions did"
        f" not end within {PATIENCE:,} steps; give it one, by kwargs.max_episode_steps in the family's file"
        " (contextualize: max_steps)"
    )
