"""Hyperparameters that features of the context carry, such as a discount factor for each task.

Universal value functions over discounts: Xu, van Hasselt and Silver, "Meta-Gradient Reinforcement Learning",
NeurIPS 2018, section 2.3; a network that sees its loss's weights: Dosovitskiy and Djolonga, "You Only Train
Once: Loss-Conditional Training of Deep Networks", ICLR 2020.
"""

from collections.abc import Mapping

import numpy as np
import torch
from stable_baselines3.common.callbacks import BaseCallback

from hyperrl.errors import UserError
from hyperrl.policies.registry import algorithm
from hyperrl.recipes import CONTEXT, AgentRecipe
from hyperrl.tasks import Family
from hyperrl.tasks.context_errors import noise_sizes
from hyperrl.tasks.contexts import ValueReader


def hyperparameters_of(agent: AgentRecipe, family: Family) -> Mapping[str, ValueReader]:
    """The hyperparameters that features of a family carry, with what reads their values from descriptors.

    Args:
        agent: resolved for the family.
        family: its tasks.

    Raises:
        UserError: an algorithm that cannot learn each task with its own, agents that do not observe the true
            value, or an entropy coefficient that is learned.
    """
    space = family.space
    readers: dict[str, ValueReader] = {}
    noise = dict(zip(space.names, noise_sizes(agent, space), strict=True))
    supported = algorithm(agent.algorithm.name).hyperparameters
    for name, feature in space.features.items():
        hyperparameter = feature.hyperparameter
        if hyperparameter is None:
            continue
        where = f"family {family.name!r}: features.{name}.hyperparameter: found {hyperparameter!r}"
        if hyperparameter not in supported:
            known = ", ".join(supported) or "none"
            raise UserError(f"{where}; allowed with the algorithm {agent.algorithm.name!r}: {known}")
        if agent.inference is not None:
            raise UserError(f"{where}; allowed with policy.inference: none, as nothing tells it to the agent")
        if noise[name]:
            raise UserError(
                f"agent {agent.name!r}: context_noise: found some on {name}; allowed: on features"
                " that are no hyperparameter"
            )
        if agent.policy.kind == "hyper" and agent.policy.hypernetwork.context_dropout:
            raise UserError(
                f"{where}; allowed with policy.hypernetwork.context_dropout: none, which hides it"
            )
        own = vars(agent.algorithm)[hyperparameter]
        if not isinstance(own, float | int):
            raise UserError(
                f"agent {agent.name!r}: algorithm.{hyperparameter}: found {own!r}; allowed on family"
                f" {family.name!r}, whose feature {name} multiplies it: a number, such as 1"
            )
        readers[hyperparameter] = space.reader(name)
    return readers


class TruncationDiscount(BaseCallback):
    """Has the values at time limits discounted by each task's own factor, on policy.

    Stable-Baselines3 adds the algorithm's discount factor times the value of an episode's last observation
    to the reward before it. This callback, which is called just before, adds what the task's own factor
    differs by.

    Args:
        reader: reads discount factors from contexts.
    """

    def __init__(self, reader: ValueReader) -> None:
        super().__init__()
        self._reader = reader

    def _on_step(self) -> bool:
        rewards, infos, model = self.locals["rewards"], self.locals["infos"], self.model
        for env in np.flatnonzero(self.locals["dones"]).tolist():
            last = infos[env].get("terminal_observation")
            if last is None or not infos[env].get("TimeLimit.truncated", False):
                continue
            with torch.no_grad():
                observation = model.policy.obs_to_tensor(last)[0]
                value = float(model.policy.predict_values(observation))  # type: ignore[operator]
            own = float(self._reader(last[CONTEXT]))
            rewards[env] += (own - model.gamma) * value  # type: ignore[attr-defined]
        return True
