"""Models of SAC, TD3 and DQN whose networks are generated, for tests."""

from typing import Any

import torch
from stable_baselines3 import DQN, SAC, TD3
from torch import Tensor

from hyperrl.policies import (
    ContextReplayBuffer,
    HyperDQNPolicy,
    HyperSACPolicy,
    HyperTD3Policy,
)
from tests.policies.worlds import samples, tensors, venv

KINDS: dict[str, tuple[Any, Any, str]] = {
    "sac": (SAC, HyperSACPolicy, "box"),
    "td3": (TD3, HyperTD3Policy, "box"),
    "dqn": (DQN, HyperDQNPolicy, "discrete"),
}
TARGETS = {"sac": ("critic",), "td3": ("critic", "actor"), "dqn": ("q_net",)}


def made(kind: str, observation: str = "context", strategy: str = "low-rank", **options: Any) -> Any:
    algorithm, policy, actions = KINDS[kind]
    given: dict[str, Any] = {"net_arch": [12, 12], **options.pop("policy_kwargs", {})}
    given.setdefault("hypernetwork", {"strategy": strategy, "rank": 3, "hidden": (8,)})
    sizes: dict[str, Any] = {"buffer_size": 500, "learning_starts": 20, "batch_size": 16}
    if observation == "context":
        sizes["replay_buffer_class"] = ContextReplayBuffer
    env = venv(observation, options.pop("action", actions))
    return algorithm(policy, env, seed=0, device="cpu", policy_kwargs=given, **sizes, **options)


def values(model: Any, observations: Any) -> Tensor:
    """Everything that a model's networks give."""
    policy = model.policy
    with torch.no_grad():
        if isinstance(policy, HyperDQNPolicy):
            return torch.cat([policy.q_net(observations), policy.q_net_target(observations)], dim=1)
        actions = (
            policy.actor(observations, True)
            if isinstance(policy, HyperSACPolicy)
            else policy.actor(observations)
        )
        q_values = [*policy.critic(observations, actions), *policy.critic_target(observations, actions)]
        return torch.cat([actions, *q_values], dim=1)


def observed(model: Any, count: int = 6, seed: int = 0) -> Any:
    return tensors(model.policy, samples(model.observation_space, count, seed))
