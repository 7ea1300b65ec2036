"""A recipe's fields carry the names and defaults of the arguments that Stable-Baselines3 takes."""

import inspect

import pytest
from stable_baselines3 import A2C, DQN, PPO, SAC, TD3
from stable_baselines3.common.policies import ActorCriticPolicy

from hyperrl import recipes

SB3 = {
    "ppo": (recipes.PPO, PPO),
    "a2c": (recipes.A2C, A2C),
    "sac": (recipes.SAC, SAC),
    "td3": (recipes.TD3, TD3),
    "dqn": (recipes.DQN, DQN),
}


def test_every_algorithm_is_held_to_sb3s() -> None:
    assert {algorithm().name: algorithm for algorithm in recipes.ALGORITHMS} == {
        name: ours for name, (ours, _) in SB3.items()
    }


OWN = {
    "kind",
    "hypernetwork",
    "match_parameters",
    "layer_norm",
    "residual",
    "convolutions",
    "effort_coef",
    "critic_lr_scale",
}
"""Fields of policies that are ours and not SB3's."""


@pytest.mark.parametrize("name", SB3)
def test_algorithm_fields_are_arguments_with_the_same_defaults(name: str) -> None:
    ours, theirs = SB3[name]
    arguments = inspect.signature(theirs).parameters
    for field, value in ours().model_dump(exclude={"name"}).items():
        assert value == arguments[field].default, field


@pytest.mark.parametrize("policy", [recipes.HyperPolicy, recipes.ConcatPolicy, recipes.BlindPolicy])
def test_policy_fields_are_arguments(policy: type[recipes.Model]) -> None:
    arguments = inspect.signature(ActorCriticPolicy.__init__).parameters
    ours = set(policy.model_fields) - OWN
    assert ours <= set(arguments)
    assert policy.model_fields["log_std_init"].default == arguments["log_std_init"].default
    assert policy.model_fields["ortho_init"].default == arguments["ortho_init"].default
