"""What `hyperrl describe AGENT FAMILY` counts, against counts made in another way."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from hyperrl.analysis.cost import Cost, measure, products
from hyperrl.analysis.minibatch import MinibatchShape
from hyperrl.recipes import AgentRecipe, is_missing, load_agent, resolve, shipped
from hyperrl.tasks import Family
from hyperrl.training.build import bare_model
from tests.suite import family_for, needs

SMALL = ["policy.net_arch=[8, 8]", "n_envs=2", "algorithm.n_steps=6"]


def resolved(name: str, family: str, *overrides: str) -> tuple[AgentRecipe, Family]:
    tasks = Family.load(family)
    return resolve(load_agent(name), tasks.recipe, overrides), tasks


def cost(name: str, family: str, *overrides: str) -> Cost:
    agent, tasks = resolved(name, family, *overrides)
    descriptors = tasks.space.descriptors(tasks.tasks("train")[: agent.n_envs])

    def make() -> Any:
        return bare_model(agent, tasks.observation_space, tasks.action_space)

    return measure(make, MinibatchShape.of(make(), descriptors))


def learned_here() -> list[str]:
    return [name for name in shipped("agents") if not is_missing(load_agent(name).algorithm.extra)]


def layers(*parts: nn.Module) -> list[nn.Linear]:
    return [module for part in parts for module in part.modules() if isinstance(module, nn.Linear)]


def test_products_are_counted_as_two_operations() -> None:
    left, right = torch.ones(3, 5), torch.ones(5, 7)
    assert products(lambda: left @ right) == 2 * 3 * 5 * 7
    assert products(lambda: left + left) == 0


@pytest.mark.parametrize("name", ["concat-ppo", "blind-ppo"])
def test_a_plain_policy_costs_what_its_layers_say(name: str) -> None:
    """Forward once, then twice as much backward, but for the gradient of the first layers' inputs."""
    overrides = [*SMALL, "algorithm.batch_size=5", "algorithm.n_epochs=3"]
    agent, tasks = resolved(name, "cartpole", *overrides)
    found = cost(name, "cartpole", *overrides)
    model: Any = bare_model(agent, tasks.observation_space, tasks.action_space)
    actor = layers(model.policy.mlp_extractor.policy_net, model.policy.action_net)
    critic = layers(model.policy.mlp_extractor.value_net, model.policy.value_net)
    forward = {
        network: sum(2 * layer.weight.numel() for layer in own)
        for network, own in (("actor", actor), ("critic", critic))
    }
    first = 2 * (actor[0].weight.numel() + critic[0].weight.numel())
    of_a_row = 3 * sum(forward.values()) - first
    assert found.flops.action_cached == found.flops.action_uncached == forward["actor"]
    assert found.flops.minibatch == 5 * of_a_row
    assert found.flops.rollout == 3 * 12 * of_a_row
    total = sum(parameter.numel() for parameter in model.policy.parameters())
    assert found.parameters.total == found.parameters.networks == found.actor + found.critic == total
    assert found.memory.parameters == 4 * total
    assert 2 * 4 * total <= found.memory.optimizer <= 2 * 4 * total + 8 * len(list(model.policy.parameters()))
    assert (found.generated, found.memory.cache) == (0, 0)


@pytest.mark.parametrize("strategy", ["low-rank", "full"])
def test_a_hypernetwork_is_counted_by_its_parts(strategy: str) -> None:
    rank = ", rank: 3" if strategy == "low-rank" else ""
    hypernetwork = f"policy.hypernetwork={{strategy: {strategy}{rank}, hidden: [16]}}"
    found = cost("hyper-ppo", "ode", *SMALL, hypernetwork)
    inputs, outputs = 1, 2
    actor, critic = (8 * inputs + 8) + (8 * 8 + 8) + (8 * outputs + outputs), 8 * inputs + 8 + 8 * 8 + 8 + 9
    generated = actor + critic if strategy == "full" else 2 * 3 * 6
    assert (found.actor, found.critic, found.generated) == (actor, critic, generated)
    parameters = found.parameters
    assert (parameters.generator, parameters.heads) == (16 * (1 + 1), 17 * generated)
    assert parameters.networks == 0
    if strategy == "full":
        assert parameters.shared == 0
    else:
        assert parameters.shared > actor + critic
    plain = 2 * (8 * inputs + 8 * 8 + 8 * outputs)
    assert found.flops.action_cached == plain
    assert found.flops.action_uncached >= plain + 2 * 16 * (1 + generated)
    assert found.memory.cache >= 4 * found.actor


def test_parameters_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hyperrl.analysis.cost._acting", lambda *_: (0, 0, 0))
    monkeypatch.setattr("hyperrl.analysis.cost._update", lambda *_: (0, 0))
    for name in learned_here():
        family = family_for(name, "pendulum")
        few = ["policy.net_arch=[8, 8]", "algorithm.batch_size=8", SMALL[1]]
        small = few if load_agent(name).algorithm.off_policy else SMALL
        agent, tasks = resolved(name, family, *small)
        if getattr(agent.policy, "match_parameters", None) is not None:
            continue
        policy = bare_model(agent, tasks.observation_space, tasks.action_space).policy
        wanted = sum(parameter.numel() for parameter in policy.parameters())
        assert cost(name, family, *small).parameters.total == wanted


@pytest.mark.parametrize("name", ["concat-sac", "concat-td3"])
def test_updates_of_off_policy_agents_are_counted(name: str) -> None:
    found = cost(
        name, "ode", "policy.net_arch=[8, 8]", "algorithm.batch_size=5", "algorithm.gradient_steps=3"
    )
    agent, tasks = resolved(name, "ode", "policy.net_arch=[8, 8]")
    model: Any = bare_model(agent, tasks.observation_space, tasks.action_space)
    actor, critic = (
        sum(2 * layer.weight.numel() for layer in layers(part)) for part in (model.actor, model.critic)
    )
    assert found.flops.action_cached == actor
    assert (found.actor, found.critic) == tuple(
        sum(one.numel() for one in part.parameters()) for part in (model.actor, model.critic)
    )
    targets = sum(
        one.numel()
        for part in ("actor_target", "critic_target")
        if hasattr(model, part)
        for one in getattr(model, part).parameters()
    )
    assert found.parameters.targets == targets
    first = 2 * sum(q[0].weight.numel() for q in model.critic.q_networks)
    of_critics = (critic + 3 * critic - first) * 5
    forward_of_actor = actor * 5
    assert found.flops.minibatch > of_critics + forward_of_actor
    assert found.flops.rollout == 3 * found.flops.minibatch


def test_activations_grow_with_the_rows() -> None:
    few, many = (
        cost("hyper-ppo", "ode", *SMALL, "algorithm.n_steps=64", f"algorithm.batch_size={rows}")
        for rows in (16, 64)
    )
    assert 2 * few.memory.activations < many.memory.activations < 4 * few.memory.activations
    assert few.memory.parameters == many.memory.parameters


def test_weights_that_follow_the_state_are_never_at_hand() -> None:
    found = cost("hyper-ppo", "ode", *SMALL, "policy.hypernetwork.inputs=[context, state]")
    assert found.flops.action_cached == found.flops.action_uncached > 2 * found.actor


def test_a_hypernetwork_each_is_counted_twice() -> None:
    shared, separate = (
        cost("hyper-ppo", "ode", *SMALL, f"policy.hypernetwork.trunk={trunk}")
        for trunk in ("shared", "separate")
    )
    assert separate.parameters.generator == 2 * shared.parameters.generator
    assert separate.parameters.heads == shared.parameters.heads
    assert separate.generated == shared.generated


@needs("contrib")
def test_an_lstm_is_counted_by_its_products() -> None:
    small = ["policy.net_arch=[8, 8]", "policy.lstm_hidden_size=7", "algorithm.batch_size=5", *SMALL[1:]]
    found = cost("blind-recurrent-ppo", "pendulum", *small)
    gates = 2 * 4 * 7 * (3 + 7)
    actor = 2 * (7 * 8 + 8 * 8 + 8 * 1)
    assert found.flops.action_cached == found.flops.action_uncached == gates + actor


def test_off_policy_costs_repeat_and_leave_numpys_generator_alone() -> None:
    """Replay draws its minibatch by NumPy's global generator, and how many tasks it holds is a cost."""
    small = ("policy.net_arch=[8, 8]", "algorithm.batch_size=24", "policy.hypernetwork.strategy=full")
    found = []
    for seed in range(4):
        np.random.seed(seed)
        before = np.random.get_state(legacy=False)["state"]["key"].tolist()
        found.append(cost("hyper-sac", "ode", *small))
        assert np.random.get_state(legacy=False)["state"]["key"].tolist() == before
    assert found[1:] == found[:-1]
