"""The policy of an agent's recipe: its class, its arguments, and what it observes."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3.common.policies import BasePolicy

from hyperrl.nets.activations import ACTIVATIONS
from hyperrl.policies import BlindExtractor
from hyperrl.policies.extractors import PartsExtractor
from hyperrl.policies.inference import inferred_space
from hyperrl.policies.registry import algorithm
from hyperrl.recipes import AgentRecipe


class NoOptimizer(torch.optim.Optimizer):
    """Holds nothing. Making a real one has torch load its compiler, which takes a second."""

    def __init__(self, *_: Any, **__: Any) -> None:
        self.param_groups = []

    def __reduce__(self) -> Any:
        """A copy is built anew: torch would look for parameters."""
        return type(self), ()


WITHOUT_OPTIMIZER: dict[str, Any] = {"optimizer_class": NoOptimizer}
"""Arguments of a policy that only acts."""


Descriptors = NDArray[np.float32] | None
"""Of the training tasks, (tasks, D), where an agent embeds them."""
_HYPER_ARGUMENTS = {"beyond", "layer_norm", "residual", "convolutions", "effort_coef"}
"""Fields of a recipe's policy that are arguments of policies with generated networks."""


def policy_class(agent: AgentRecipe) -> type[BasePolicy]:
    """The policy's class: one with generated networks, or SB3's `MultiInputPolicy` for the baselines."""
    classes = algorithm(agent.algorithm.name)
    return classes.hyper_policy if agent.policy.kind == "hyper" else classes.plain_policy


def policy_kwargs(agent: AgentRecipe, descriptors: Descriptors = None) -> dict[str, Any]:
    """The policy's arguments beyond spaces and learning rate.

    Args:
        agent: the recipe.
        descriptors: of the training tasks, (tasks, D); needed where the hypernetwork sees an embedding.
    """
    policy = agent.policy
    arch = policy.net_arch
    judge = "qf" if agent.algorithm.off_policy else "vf"
    kwargs: dict[str, Any] = {
        "net_arch": list(arch) if isinstance(arch, tuple) else {"pi": list(arch.pi), judge: list(arch.vf)},
        "activation_fn": ACTIVATIONS[policy.activation_fn],
    }
    fields = {name: getattr(policy, name) for name in agent.algorithm.policy_arguments}
    kwargs |= {name: value for name, value in fields.items() if value is not None}
    if policy.kind == "blind":
        kwargs["features_extractor_class"] = BlindExtractor
    elif policy.kind == "concat":
        kwargs["features_extractor_class"] = PartsExtractor
        # a latent has no range beyond which it could be held
        kwargs["features_extractor_kwargs"] = {"beyond": "linear" if policy.inference else policy.beyond}
    else:
        kwargs |= policy.model_dump(include=_HYPER_ARGUMENTS)
        kwargs["hypernetwork"] = dict(vars(policy.hypernetwork))
        if policy.inference is not None:
            kwargs["hypernetwork"]["inputs"] = ("latent",)
        if "embedding" in policy.hypernetwork.inputs and descriptors is not None:
            kwargs["hypernetwork"]["training_contexts"] = descriptors.tolist()
    return kwargs


def policy_space(agent: AgentRecipe, observation_space: gym.Space[Any]) -> gym.Space[Any]:
    """What the agent's policy observes of a family: a latent in the place of a context that it infers."""
    if agent.inference is None:
        return observation_space
    return inferred_space(agent.inference, observation_space)
