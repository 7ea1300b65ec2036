"""A baseline with as many parameters as another agent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium as gym
from stable_baselines3.common.utils import FloatSchedule

from hyperrl.config import MAX_WIDTH
from hyperrl.errors import UserError
from hyperrl.recipes import AgentRecipe, load_agent
from hyperrl.tasks import Family
from hyperrl.training.build import channels_first, training_descriptors
from hyperrl.training.policy_arguments import (
    WITHOUT_OPTIMIZER,
    Descriptors,
    policy_class,
    policy_kwargs,
    policy_space,
)


def match_widths(agent: AgentRecipe, family: Family) -> AgentRecipe:
    """Resolve `match_parameters`: all hidden layers get the width that brings the parameters' number nearest.

    Args:
        agent: any agent; one whose policy has no `match_parameters` comes back as it is.
        family: what both train on.

    Returns:
        The agent with `net_arch` set and `match_parameters` cleared, so that it no longer depends on
        the other's recipe.

    Raises:
        UserError: the named agent is unknown or itself matches another.
    """
    policy = agent.policy
    if policy.kind != "concat" or policy.match_parameters is None:
        return agent
    target = load_agent(policy.match_parameters)
    if target.policy.kind == "concat" and target.policy.match_parameters is not None:
        raise UserError(
            f"agent {agent.name!r}: match_parameters names {target.name!r}, which itself matches another"
        )
    seen_by_target = family.for_agent(target)
    target_spaces = seen_by_target.observation_space, seen_by_target.action_space
    goal = count_parameters(target, *target_spaces, training_descriptors(target, family))
    family = family.for_agent(agent)
    spaces = family.observation_space, family.action_space
    arch = policy.net_arch
    depths = (len(arch), len(arch)) if isinstance(arch, tuple) else (len(arch.pi), len(arch.vf))
    if not any(depths):
        raise UserError(
            f"agent {agent.name!r}: match_parameters needs hidden layers, policy.net_arch has none"
        )

    def with_width(width: int) -> AgentRecipe:
        widths = {"pi": [width] * depths[0], "vf": [width] * depths[1]}
        changes = {"net_arch": widths["pi"] if isinstance(arch, tuple) else widths, "match_parameters": None}
        data = {**agent.model_dump(), "policy": {**policy.model_dump(), **changes}}
        return AgentRecipe.parse(data, f"agent {agent.name!r}")

    def count(width: int) -> int:
        return count_parameters(with_width(width), *spaces)

    return with_width(nearest_width(count, goal))


def count_parameters(
    agent: AgentRecipe,
    observation_space: gym.Space[Any],
    action_space: gym.Space[Any],
    descriptors: Descriptors = None,
) -> int:
    """Trainable parameters of the agent's policy on these spaces; `descriptors` as in `policy_kwargs`."""
    kwargs = {**policy_kwargs(agent, descriptors), **WITHOUT_OPTIMIZER}
    policy = policy_class(agent)(
        policy_space(agent, channels_first(observation_space)), action_space, FloatSchedule(1e-3), **kwargs
    )
    return sum(parameter.numel() for parameter in policy.parameters() if parameter.requires_grad)


def nearest_width(count: Callable[[int], int], goal: int) -> int:
    """The width up to `MAX_WIDTH` whose growing `count(width)` is nearest to `goal`; on a tie the smaller."""
    low, high = 1, 2
    while count(high) < goal and high < MAX_WIDTH:
        low, high = high, min(2 * high, MAX_WIDTH)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if count(middle) < goal else (low, middle)
    return min((low, high), key=lambda width: (abs(count(width) - goal), width))
