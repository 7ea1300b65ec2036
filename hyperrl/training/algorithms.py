"""The algorithms of recipes: Stable-Baselines3's classes, their policies, and what tells them apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from stable_baselines3 import A2C, DQN, PPO, SAC, TD3
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.noise import NormalActionNoise
from stable_baselines3.common.policies import BasePolicy, MultiInputActorCriticPolicy
from stable_baselines3.dqn.policies import MultiInputPolicy as DQNMultiInputPolicy

from hyperrl.policies import (
    ConcatSACPolicy,
    ConcatTD3Policy,
    ContextReplayBuffer,
    HyperActorCriticPolicy,
    HyperDQNPolicy,
    HyperSACPolicy,
    HyperTD3Policy,
)
from hyperrl.recipes import ALGORITHMS, AgentRecipe, refuse_missing


@dataclass(frozen=True)
class Kind:
    """An algorithm, the policy with generated networks, and that of the baselines."""

    algorithm: type[BaseAlgorithm]
    hyper: type[BasePolicy]
    plain: type[BasePolicy]


_KINDS = {
    "ppo": Kind(PPO, HyperActorCriticPolicy, MultiInputActorCriticPolicy),
    "a2c": Kind(A2C, HyperActorCriticPolicy, MultiInputActorCriticPolicy),
    "sac": Kind(SAC, HyperSACPolicy, ConcatSACPolicy),
    "td3": Kind(TD3, HyperTD3Policy, ConcatTD3Policy),
    "dqn": Kind(DQN, HyperDQNPolicy, DQNMultiInputPolicy),
}
"""By the name that a recipe gives the algorithm; those of an extra come when they are asked for."""


def kind(algorithm: str) -> Kind:
    """What a recipe's name of an algorithm stands for; UserError where its extra is not there."""
    if algorithm in _KINDS:
        return _KINDS[algorithm]
    extra = next(each.extra for each in ALGORITHMS if each().name == algorithm)
    refuse_missing(extra, f"algorithm {algorithm!r}")
    return _contributed()[algorithm]


def _contributed() -> dict[str, Kind]:
    from sb3_contrib import QRDQN, TQC, TRPO, RecurrentPPO
    from sb3_contrib.qrdqn.policies import MultiInputPolicy as QRDQNMultiInputPolicy

    from hyperrl.policies import contrib

    return {
        "trpo": Kind(TRPO, contrib.HyperTRPOPolicy, MultiInputActorCriticPolicy),
        "recurrent_ppo": Kind(RecurrentPPO, contrib.HyperRecurrentPolicy, contrib.ConcatRecurrentPolicy),
        "tqc": Kind(TQC, contrib.HyperTQCPolicy, contrib.ConcatTQCPolicy),
        "qrdqn": Kind(QRDQN, contrib.HyperQRDQNPolicy, QRDQNMultiInputPolicy),
    }


def arguments(
    agent: AgentRecipe,
    observation_space: gym.Space[Any],
    action_space: gym.Space[Any],
    to_learn: bool = True,
) -> dict[str, Any]:
    """The algorithm's arguments: the recipe's fields, which carry Stable-Baselines3's names.

    Args:
        agent: the recipe.
        observation_space: with a context, replay stores it once a task.
        action_space: of one environment.
        to_learn: False: rollouts and replay have no room, and no entropy's weight is learned.
    """
    given = agent.algorithm.model_dump(exclude={"name"})
    if not agent.algorithm.off_policy:
        return given if to_learn else {**given, "n_steps": 1}
    if isinstance(observation_space, gym.spaces.Dict) and "context" in observation_space.spaces:
        given["replay_buffer_class"] = ContextReplayBuffer
    shape = action_space.shape or ()
    if given.get("action_noise") is not None:
        given["action_noise"] = NormalActionNoise(np.zeros(shape), np.full(shape, given["action_noise"]))
    if given.get("target_entropy") == "auto":
        given["target_entropy"] = -float(np.prod(shape))
    if not to_learn:
        given["buffer_size"] = 1
        given |= {"ent_coef": 0.0} if "ent_coef" in given else {}
    return given


def optimizers(model: BaseAlgorithm) -> dict[str, torch.optim.Optimizer]:
    """The optimizers of a model by name: one of the policy, or one each of actor, critic and entropy."""
    if hasattr(model.policy, "optimizer"):
        return {"policy": model.policy.optimizer}
    policy: Any = model.policy
    found = {"actor": policy.actor.optimizer, "critic": policy.critic.optimizer}
    learned = getattr(model, "ent_coef_optimizer", None)
    return found if learned is None else {**found, "ent_coef": learned}
