"""A recipe's fields reach the policy under Stable-Baselines3's names."""

import inspect
from typing import Any

import pytest
from stable_baselines3.common.policies import ActorCriticPolicy
from torch import nn

from hyperrl.policies import HyperActorCriticPolicy
from hyperrl.recipes import BlindPolicyRecipe, ConcatPolicyRecipe, HyperPolicyRecipe
from hyperrl.training.policy_arguments import policy_kwargs
from tests.recipes.test_algorithms import OF_SOME, OWN
from tests.suite import learnable
from tests.training.conftest import build


@pytest.mark.parametrize("kind", [HyperPolicyRecipe, ConcatPolicyRecipe, BlindPolicyRecipe])
def test_policy_fields_are_sb3s_arguments_with_sb3s_defaults(kind: type[Any]) -> None:
    arguments = inspect.signature(ActorCriticPolicy).parameters
    assert {"net_arch", "activation_fn"} <= arguments.keys()
    assert issubclass(HyperActorCriticPolicy, ActorCriticPolicy)
    ours = OWN | OF_SOME.keys() | {"net_arch", "activation_fn"}
    fields = {name: field.default for name, field in kind.model_fields.items() if name not in ours}
    assert fields == {name: arguments[name].default for name in fields}


@pytest.mark.parametrize("fields", [(), ("policy.layer_norm=true", "policy.net_arch={pi: [5], vf: [6, 7]}")])
def test_the_layers_that_a_recipe_may_name_are_the_targets(fields: tuple[str, ...]) -> None:
    model, recipe, _ = build("hyper-ppo", "ode", *fields)
    assert isinstance(model.policy, HyperActorCriticPolicy)
    assert isinstance(recipe.policy, HyperPolicyRecipe)
    named = [name for names in recipe.policy.layers.values() for name in names]
    assert named == list(model.policy.generated.target.layers)


def test_widths_and_activation_reach_the_networks() -> None:
    fields = ("policy.net_arch={pi: [5], vf: [6, 7]}", "policy.activation_fn=elu", "policy.log_std_init=-1.5")
    model, recipe, _ = build("concat-ppo", "ode", *fields)
    extractor = model.policy.mlp_extractor
    assert [layer.out_features for layer in extractor.policy_net if isinstance(layer, nn.Linear)] == [5]
    assert [layer.out_features for layer in extractor.value_net if isinstance(layer, nn.Linear)] == [6, 7]
    assert isinstance(extractor.policy_net[1], nn.ELU)
    assert model.policy.log_std.tolist() == [-1.5, -1.5]
    assert policy_kwargs(recipe)["net_arch"] == {"pi": [5], "vf": [6, 7]}


def test_the_hypernetworks_fields_reach_it() -> None:
    counts = set()
    for fields in ("rank: 2", "rank: 4", "rank: 4, hidden: [16, 16]"):
        model, _, _ = build("hyper-ppo", "ode", f"policy.hypernetwork={{strategy: low-rank, {fields}}}")
        counts.add(sum(parameter.numel() for parameter in model.policy.parameters()))
    assert len(counts) == 3


@pytest.mark.parametrize(
    ("agent", "family", "fields", "expected"),
    [
        learnable("hyper-tqc", "ode", ("policy.n_critics=3",), {"n_quantiles": 5, "n_critics": 3}),
        learnable("concat-qrdqn", "cartpole", (), {"n_quantiles": 5}),
        learnable("blind-recurrent-ppo", "ode", ("policy.n_lstm_layers=2",), {"lstm_output_dim": 8}),
        learnable(
            "concat-recurrent-ppo",
            "ode",
            ("policy.shared_lstm=true", "policy.enable_critic_lstm=false"),
            {"shared_lstm": True, "enable_critic_lstm": False},
        ),
        learnable("hyper-recurrent-ppo", "ode", (), {"shared_lstm": True, "lstm_critic": None}),
    ],
)
def test_fields_of_some_policies_reach_them(
    agent: str, family: str, fields: tuple[str, ...], expected: dict[str, Any]
) -> None:
    policy = build(agent, family, *fields)[0].policy
    for name, value in expected.items():
        assert getattr(policy if hasattr(policy, name) else policy.critic, name) == value
