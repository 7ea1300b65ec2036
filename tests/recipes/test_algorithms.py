"""A recipe's fields carry the names and defaults of the arguments that Stable-Baselines3 takes."""

import inspect
from importlib import import_module
from typing import Any

import pytest
from stable_baselines3 import A2C, DQN, PPO, SAC, TD3, HerReplayBuffer
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.her.goal_selection_strategy import GoalSelectionStrategy

from hyperrl import recipes
from hyperrl.policies.hindsight import GOAL_SELECTION_STRATEGIES
from tests.suite import needs

SB3: dict[str, Any] = {"ppo": PPO, "a2c": A2C, "sac": SAC, "td3": TD3, "dqn": DQN}
CONTRIB = {
    "trpo": "TRPO",
    "recurrent_ppo": "RecurrentPPO",
    "maskable_ppo": "MaskablePPO",
    "tqc": "TQC",
    "crossq": "CrossQ",
    "qrdqn": "QRDQN",
}
OURS: dict[str, Any] = {algorithm().name: algorithm for algorithm in recipes.ALGORITHMS}


def theirs(name: str) -> Any:
    return SB3[name] if name in SB3 else getattr(import_module("sb3_contrib"), CONTRIB[name])


def test_every_algorithm_is_held_to_sb3s() -> None:
    assert OURS.keys() == SB3.keys() | CONTRIB.keys()
    assert {name for name, algorithm in OURS.items() if algorithm.extra == "contrib"} == CONTRIB.keys()


OWN = {
    "kind",
    "hypernetwork",
    "beyond",
    "inference",
    "match_parameters",
    "layer_norm",
    "residual",
    "convolutions",
    "effort_coef",
    "critic_lr_scale",
}
"""Fields of policies that are ours and not SB3's."""

OF_SOME: dict[str, dict[str, int | bool]] = {
    "n_critics": {"sac": 2, "td3": 2, "tqc": 2, "crossq": 2},
    "n_quantiles": {"tqc": 25, "qrdqn": 200},
    "lstm_hidden_size": {"recurrent_ppo": 256},
    "n_lstm_layers": {"recurrent_ppo": 1},
    "shared_lstm": {"recurrent_ppo": False},
    "enable_critic_lstm": {"recurrent_ppo": True},
}
"""Fields that only some algorithms' policies take, and what theirs is where a recipe gives none."""


@pytest.mark.parametrize("field", OF_SOME)
def test_fields_of_some_policies_are_their_arguments(field: str) -> None:
    takers = {name for name, algorithm in OURS.items() if field in algorithm.policy_arguments}
    assert takers == OF_SOME[field].keys()
    for name, default in OF_SOME[field].items():
        if name in SB3 or not recipes.is_missing("contrib"):
            policy = theirs(name).policy_aliases["MlpLstmPolicy" if "lstm" in field else "MlpPolicy"]
            assert inspect.signature(policy).parameters[field].default == default


@pytest.mark.parametrize("name", [pytest.param(name, marks=needs(OURS[name].extra)) for name in OURS])
def test_algorithm_fields_are_arguments_with_the_same_defaults(name: str) -> None:
    arguments = inspect.signature(theirs(name)).parameters
    for field, value in OURS[name]().model_dump(exclude={"name", "her"}).items():
        assert value == arguments[field].default, field


def test_fields_of_hindsight_are_arguments_of_its_buffer_with_the_same_defaults() -> None:
    arguments = inspect.signature(HerReplayBuffer).parameters
    chosen = {name: OURS[name](her={}).her.model_dump() for name in OURS if OURS[name].off_policy}
    assert chosen.keys() == {"sac", "td3", "tqc", "crossq", "dqn", "qrdqn"}
    for fields in chosen.values():
        assert fields == {name: arguments[name].default for name in fields}
    strategies = {strategy.name.lower() for strategy in GoalSelectionStrategy}
    for strategy in strategies:
        OURS["sac"](her={"goal_selection_strategy": strategy})
    assert strategies == set(GOAL_SELECTION_STRATEGIES)


@pytest.mark.parametrize(
    "policy", [recipes.HyperPolicyRecipe, recipes.ConcatPolicyRecipe, recipes.BlindPolicyRecipe]
)
def test_policy_fields_are_arguments(policy: type[recipes.Model]) -> None:
    arguments = inspect.signature(ActorCriticPolicy.__init__).parameters
    ours = set(policy.model_fields) - OWN - set(OF_SOME)
    assert ours <= set(arguments)
    assert policy.model_fields["log_std_init"].default == arguments["log_std_init"].default
    assert policy.model_fields["ortho_init"].default == arguments["ortho_init"].default
