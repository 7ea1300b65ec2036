"""Which agents fit which actions, and can learn here."""

from typing import Any

import gymnasium as gym

from hyperrl.errors import UserError
from hyperrl.recipes import AgentRecipe, refuse_missing


def kind_of(action_space: gym.Space[Any]) -> str:
    """The kind of actions: "continuous", "discrete", or "other" (several choices at once)."""
    if isinstance(action_space, gym.spaces.Box):
        return "continuous"
    return "discrete" if isinstance(action_space, gym.spaces.Discrete) else "other"


def refuse_algorithm(agent: AgentRecipe, action_space: gym.Space[Any]) -> None:
    """UserError where the agent's algorithm needs an extra that is not there, or is not for such actions."""
    refuse_missing(agent.algorithm.extra, f"agent {agent.name!r}: the algorithm {agent.algorithm.name!r}")
    wanted = agent.algorithm.actions
    if wanted not in ("any", kind_of(action_space)):
        raise UserError(
            f"agent {agent.name!r}: the algorithm {agent.algorithm.name!r} is for {wanted} actions; found"
            f" {' '.join(str(action_space).split())} (`hyperrl list` shows which agents fit which families)"
        )
