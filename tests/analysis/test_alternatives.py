"""An agent's cost beside that of other strategies and baselines."""

from typing import Any

import pytest
import torch

from hyperrl.analysis.alternatives import Alternative, Comparison, compare
from hyperrl.analysis.cost import Cost, measure
from hyperrl.analysis.minibatch import MinibatchShape
from hyperrl.recipes import AgentRecipe, load_agent, resolve
from hyperrl.tasks import Family
from hyperrl.training.build import bare_model
from tests.suite import needs

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


def chosen(found: Comparison) -> list[Alternative]:
    return [choice for choice in found.alternatives if choice.own]


@pytest.mark.parametrize("name", ["hyper-ppo", "concat-a2c", "blind-ppo"])
def test_the_agents_own_choice_is_marked_and_is_its_cost(name: str) -> None:
    agent, tasks = resolved(name, "ode", *SMALL)
    found = compare(agent, tasks)
    (own,) = chosen(found)
    assert own.cost == found.own == cost(name, "ode", *SMALL)
    assert own.name == {
        "hyper-ppo": "modulation",
        "concat-a2c": "concat",
        "blind-ppo": "blind",
    }[name]  # fmt: skip
    assert all(choice.cost is not None for choice in found.alternatives)


def test_choices_differ_in_what_is_generated_alone() -> None:
    agent, tasks = resolved("hyper-ppo", "ode", *SMALL, "policy.hypernetwork={strategy: low-rank, rank: 5}")
    found = compare(agent, tasks)
    costs = {choice.name: choice.cost for choice in found.alternatives}
    ranks = [f"low-rank, rank {rank}" for rank in (1, 4, 5, 8, 16)]
    assert list(costs) == [*ranks, "full", "chunked", "adapter, rank 5", "modulation", "mask", "concat"]
    assert [choice.name for choice in chosen(found)] == ["low-rank, rank 5"]
    generated = [costs[name].generated for name in ranks]  # type: ignore[union-attr]
    assert generated == [2 * rank * 6 for rank in (1, 4, 5, 8, 16)]
    sizes = {(each.actor, each.critic) for name, each in costs.items() if each and name != "concat"}
    assert len(sizes) == 1
    assert costs["full"] == cost("hyper-ppo", "ode", *SMALL, "policy.hypernetwork.strategy=full")


def test_the_tasks_of_a_minibatch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hyperrl.analysis.alternatives.measure", lambda *_: None)
    overrides = ["n_envs=3", "algorithm.n_steps=400", "policy.net_arch=[4]", "policy.hypernetwork.hidden=[4]"]
    agent, tasks = resolved("hyper-ppo", "pendulum", *overrides)
    assert tasks.max_steps == 200
    assert compare(agent, tasks).tasks == 6


def test_measuring_leaves_the_random_generator_alone() -> None:
    agent, tasks = resolved("hyper-a2c", "ode", *SMALL)
    before = torch.get_rng_state()
    compare(agent, tasks)
    assert torch.equal(torch.get_rng_state(), before)


@needs("contrib")
@pytest.mark.parametrize(
    ("name", "family"),
    [("hyper-trpo", "pendulum"), ("concat-recurrent-ppo", "pendulum"), ("blind-qrdqn", "cartpole")],
)
def test_choices_beside_agents_of_an_extra(name: str, family: str) -> None:
    few = ["algorithm.batch_size=6", "policy.net_arch=[8, 8]"]
    few += [] if name.endswith("dqn") else SMALL[1:]
    few += ["algorithm.cg_max_steps=2", "algorithm.n_critic_updates=1"] * name.endswith("trpo")
    found = compare(*resolved(name, family, *few))
    assert all(choice.cost is not None for choice in found.alternatives)
    assert sum(choice.own for choice in found.alternatives) == 1
    assert 0 < found.own.flops.action_cached <= found.own.flops.action_uncached < found.own.flops.minibatch
