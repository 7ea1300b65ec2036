"""Which agents can learn which actions here."""

from contextlib import closing
from typing import Any

import gymnasium as gym

from hyperrl.actions import fits
from hyperrl.errors import UserError
from hyperrl.masks import ACTION_MASK, ACTION_MASKS
from hyperrl.recipes import AgentRecipe, refuse_missing
from hyperrl.tasks.context_errors import noise_sizes
from hyperrl.tasks.family import Family


def kind_of(action_space: gym.Space[Any], *, masked: bool = False) -> str:
    """The kind of actions: "continuous", "discrete", or "other" (several choices at once).

    Args:
        action_space: of the environment.
        masked: whether it tells which choices are valid, so that the kind is "masked discrete" and so on.
    """
    if isinstance(action_space, gym.spaces.Box):
        return "continuous"
    kind = "discrete" if isinstance(action_space, gym.spaces.Discrete) else "other"
    return f"masked {kind}" if masked else kind


def kind_of_family(family: Family) -> str:
    """The kind of a family's actions, for which an environment is made and, if need be, reset.

    Raises:
        UserError: as `Family.make`.
        BaseEnvironmentError: its reset fails.
    """
    with closing(family.make_default()) as env:
        if isinstance(env.action_space, gym.spaces.Box):
            return kind_of(env.action_space)
        env.reset(seed=0)
        return kind_of(env.action_space, masked=env.has_wrapper_attr(ACTION_MASKS))


def refuse_algorithm(agent: AgentRecipe, action_space: gym.Space[Any], *, masked: bool = True) -> None:
    """UserError where the agent's algorithm needs an extra that is not there, or is not for such actions.

    Args:
        agent: the recipe.
        action_space: of the environment.
        masked: False: the environment is known to have no masks.
    """
    algorithm = agent.algorithm
    refuse_missing(algorithm.extra, f"agent {agent.name!r}: the algorithm {algorithm.name!r}")
    if fits(algorithm.actions, kind_of(action_space, masked=masked)):
        return
    space = " ".join(str(action_space).split())
    if not masked:
        space += f" without masks: neither a method {ACTION_MASKS}() nor info[{ACTION_MASK!r}]"
    raise UserError(
        f"agent {agent.name!r}: the algorithm {algorithm.name!r} is for {algorithm.actions} actions;"
        f" found {space} (`hyperrl list --fits FAMILY` shows the agents that fit)"
    )


def refuse_family(agent: AgentRecipe, family: Family) -> None:
    """Raise a UserError as `refuse_algorithm`, where the family's actions do not fit or lack the masks.

    So it is where `context_noise` names a feature that the family does not have.
    """
    noise_sizes(agent, family.space)
    refuse_algorithm(agent, family.action_space)
    if agent.algorithm.actions == "masked":
        masked = fits("masked", kind_of_family(family))
        refuse_algorithm(agent, family.action_space, masked=masked)
