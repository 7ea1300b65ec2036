"""Small environments of every space, and models on them."""

from copy import deepcopy
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3 import A2C, DQN, PPO
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.vec_env import VecEnv
from torch import Tensor

from hyperrl.policies import HyperActorCriticPolicy, registry
from hyperrl.recipes import is_missing

STRATEGIES = ["low-rank", "full"]
SMALL: dict[str, Any] = {"net_arch": [12, 12]}


def vector(size: int, reach: float = 1.0) -> spaces.Box:
    return spaces.Box(-reach, reach, (size,), np.float32)


def image(channel_last: bool = True) -> spaces.Box:
    return spaces.Box(0, 255, (36, 36, 1) if channel_last else (1, 36, 36), np.uint8)


ACTIONS: dict[str, spaces.Space[Any]] = {
    "discrete": spaces.Discrete(3),
    "multi-discrete": spaces.MultiDiscrete([2, 3]),
    "multi-binary": spaces.MultiBinary(3),
    "box": vector(2),
    "matrix": spaces.Box(-2.0, 1.0, (2, 3), np.float32),
}
OBSERVATIONS: dict[str, spaces.Space[Any]] = {
    "context": spaces.Dict(obs=vector(4), context=vector(2)),
    "contexts of several kinds": spaces.Dict(
        position=vector(3), tile=spaces.Discrete(4), buttons=spaces.MultiBinary(2), context=vector(1, 3.0)
    ),
    "box": vector(4),
    "discrete": spaces.Discrete(5),
    "multi-discrete": spaces.MultiDiscrete([2, 3]),
    "dictionary": spaces.Dict(obs=vector(4), tile=spaces.Discrete(4)),
}


class World(gym.Env[Any, Any]):
    """Random observations for five steps; the context stays the same throughout an episode."""

    def __init__(self, observation_space: spaces.Space[Any], action_space: spaces.Space[Any]) -> None:
        # spaces hold the generators that observations are drawn from: none is shared
        self.observation_space, self.action_space = deepcopy(observation_space), deepcopy(action_space)
        self.step_number, self.context = 0, None

    def _observed(self) -> Any:
        observation = self.observation_space.sample()
        if isinstance(observation, dict) and "context" in observation:
            observation["context"] = self.context
        return observation

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, Any]:
        super().reset(seed=seed)
        if seed is not None:
            self.observation_space.seed(seed)
        self.step_number = 0
        first = self.observation_space.sample()
        self.context = first["context"] if isinstance(first, dict) and "context" in first else None
        return self._observed(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        assert self.action_space.contains(action), action
        self.step_number += 1
        reward = float(np.asarray(action, np.float64).sum())
        return self._observed(), reward, self.step_number == 5, False, {}


def venv(observation: str | spaces.Space[Any], action: str | spaces.Space[Any] = "box", n: int = 2) -> VecEnv:
    seen = OBSERVATIONS[observation] if isinstance(observation, str) else observation
    done = ACTIONS[action] if isinstance(action, str) else action
    return make_vec_env(lambda: World(seen, done), n_envs=n, seed=0)


def model(
    env: VecEnv,
    algorithm: type[OnPolicyAlgorithm] = PPO,
    policy: Any = HyperActorCriticPolicy,
    strategy: str | None = None,
    seed: int = 0,
    use_sde: bool = False,
    **policy_kwargs: Any,
) -> OnPolicyAlgorithm:
    options = {**SMALL, **policy_kwargs}
    if strategy is not None:
        options["hypernetwork"] = {"strategy": strategy, "rank": 3, "hidden": (8,)}
    ppo: dict[str, Any] = {"n_steps": 8, "batch_size": 8, "n_epochs": 1}
    a2c: dict[str, Any] = {"n_steps": 8}
    chosen = ppo if algorithm is PPO else a2c
    return algorithm(policy, env, seed=seed, use_sde=use_sde, device="cpu", policy_kwargs=options, **chosen)


def policy_of(built: OnPolicyAlgorithm) -> HyperActorCriticPolicy:
    assert isinstance(built.policy, HyperActorCriticPolicy)
    return built.policy


def policy(
    observation: str | spaces.Space[Any] = "context",
    action: str | spaces.Space[Any] = "box",
    strategy: str = "low-rank",
    seed: int = 0,
    **options: Any,
) -> HyperActorCriticPolicy:
    """A policy alone, every parameter moved away from its start, biases of zero among them."""
    torch.manual_seed(seed)
    seen = OBSERVATIONS[observation] if isinstance(observation, str) else observation
    done = ACTIONS[action] if isinstance(action, str) else action
    small = {"strategy": strategy, "rank": 3, "hidden": (8,)}
    made = HyperActorCriticPolicy(seen, done, lambda _: 1e-2, hypernetwork=small, **{**SMALL, **options})
    disturb(made)
    return made


def disturb(module: torch.nn.Module, size: float = 0.1) -> None:
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(size * torch.randn_like(parameter))


def samples(space: spaces.Space[Any], count: int, seed: int = 0) -> Any:
    """A batch of observations as SB3 hands them to ``predict``."""
    space = deepcopy(space)
    space.seed(seed)
    drawn = [space.sample() for _ in range(count)]
    if isinstance(space, spaces.Dict):
        return {key: np.stack([one[key] for one in drawn]) for key in space.spaces}
    return np.stack(drawn)


def tensors(made: Any, observations: Any) -> Any:
    return made.obs_to_tensor(observations)[0]


def same_predictions(one: Any, other: Any, observations: Any) -> bool:
    first, second = (each.predict(observations, deterministic=True)[0] for each in (one, other))
    same: bool = np.array_equal(first, second)
    return same and torch.equal(
        values(getattr(one, "policy", one), observations),
        values(getattr(other, "policy", other), observations),
    )


@torch.no_grad()
def values(made: Any, observations: Any) -> Tensor:
    made.set_training_mode(False)
    found: Tensor = made.predict_values(tensors(made, observations))
    return found


def context_replaced(observations: dict[str, NDArray[Any]], value: float) -> dict[str, NDArray[Any]]:
    return {**observations, "context": np.full_like(observations["context"], value)}


__all__ = ["A2C", "PPO", "World"]


def hyper_policy(name: str) -> Any:
    """A policy with generated networks by its class's name; skips the test where its extra is not there."""
    for algorithm, recipe in registry.RECIPES.items():
        if not is_missing(recipe.extra):
            policy = registry.algorithm(algorithm).hyper_policy
            if policy.__name__ == name:
                return policy
    return pytest.skip(f"{name} needs an extra")


def plain(algorithm: Any, observation: str = "context") -> Any:
    """A model of Stable-Baselines3's own."""
    options = {"n_steps": 32} if issubclass(algorithm, (PPO, A2C)) else {"buffer_size": 10}
    env = venv(observation, "discrete" if algorithm is DQN else "box")
    policy = "MultiInputPolicy" if observation == "context" else "MlpPolicy"
    return algorithm(policy, env, device="cpu", policy_kwargs={"net_arch": [8]}, **options)
