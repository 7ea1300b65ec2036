"""Which agents can learn which actions here."""

from typing import Any

import gymnasium as gym

from hyperrl.actions import fits
from hyperrl.errors import UserError
from hyperrl.recipes import AgentRecipe, refuse_missing


def kind_of(action_space: gym.Space[Any]) -> str:
    """The kind of actions: "continuous", "discrete", or "other" (several choices at once)."""
    if isinstance(action_space, gym.spaces.Box):
        return "continuous"
    return "discrete" if isinstance(action_space, gym.spaces.Discrete) else "other"


def refuse_algorithm(agent: AgentRecipe, action_space: gym.Space[Any]) -> None:
    """UserError where the agent's algorithm needs an extra that is not there, or is not for such actions."""
    algorithm = agent.algorithm
    refuse_missing(algorithm.extra, f"agent {agent.name!r}: the algorithm {algorithm.name!r}")
    if not fits(algorithm.actions, kind_of(action_space)):
        space = " ".join(str(action_space).split())
        raise UserError(
            f"agent {agent.name!r}: the algorithm {algorithm.name!r} is for {algorithm.actions} actions;"
            f" found {space} (`hyperrl list --fits FAMILY` shows the agents that fit)"
        )
