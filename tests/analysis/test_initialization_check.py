"""How networks start, against plain ones: what is sane is called so, what is not is caught."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3.common.policies import ActorCriticPolicy

from hyperrl.analysis import initialization_check
from hyperrl.analysis.initialization_check import ProbeBatch, Verdict, assess, check_initialization, gather
from hyperrl.analysis.variances import VarianceRow
from hyperrl.nets import HyperNetwork
from hyperrl.policies import HyperActorCriticPolicy
from hyperrl.recipes import load_agent, resolve
from hyperrl.tasks import Family
from hyperrl.training.build import bare_model
from tests.analysis.policies import ODE, hypernetwork_of, make_policy


@pytest.fixture
def few_seeds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the fault is gross, or networks are counted, few initializations tell as much as all."""
    monkeypatch.setattr(initialization_check, "SEEDS", 3)


def assess_batch(
    batch: ProbeBatch, spoil: Callable[[HyperActorCriticPolicy], None] | None = None, **options: Any
) -> tuple[list[VarianceRow], dict[str, Verdict]]:
    rows, verdicts = assess(partial(make_policy, spoil=spoil, **options), None, batch)
    return list(rows), {verdict.network: verdict for verdict in verdicts}


@pytest.mark.parametrize(
    "hypernetwork",
    [
        {},
        {"strategy": "full"},
        {"strategy": "chunked", "context_dropout": 0.3},
        {"strategy": "adapter", "trunk": "separate"},
        {"strategy": "modulation", "inputs": ["context", "state", "noise"]},
        {"strategy": "mask", "generate": ["actor"]},
        {"architecture": "transformer"},
        {"architecture": "recurrent"},
        {"architecture": "linear"},
        {"strategy": "full", "initialization": "hyperfan-in"},
    ],
    ids=str,
)
def test_what_the_library_makes_is_sane(batch: ProbeBatch, hypernetwork: dict[str, Any]) -> None:
    rows, verdicts = assess_batch(batch, hypernetwork=hypernetwork)
    assert {name: verdict.fault for name, verdict in verdicts.items() if verdict.fault} == {}
    layers = [f"{row.network}.{row.layer}" for row in rows]
    assert layers[:6] == [f"{network}.{layer}" for network in ("actor", "critic") for layer in (0, 1, 2)]
    assert all("generator.hidden " in layer for layer in layers[6:])
    moved = rows[2].between
    assert moved is not None
    assert 1e-4 < moved < 100


@pytest.mark.usefixtures("few_seeds")
@pytest.mark.parametrize("strategy", ["low-rank", "full", "modulation"])
def test_a_generator_blown_up_is_caught(batch: ProbeBatch, strategy: str) -> None:
    def spoil(policy: HyperActorCriticPolicy) -> None:
        for parameter in hypernetwork_of(policy).generator.parameters():
            parameter.mul_(100)

    _, verdicts = assess_batch(batch, spoil, hypernetwork={"strategy": strategy})
    assert "explodes" in verdicts["generator"].fault
    assert any("explodes" in verdicts[name].fault for name in ("actor", "critic"))


@pytest.mark.usefixtures("few_seeds")
def test_heads_blown_up_are_caught_at_the_layers_that_they_make(batch: ProbeBatch) -> None:
    def spoil(policy: HyperActorCriticPolicy) -> None:
        generator = hypernetwork_of(policy).generator
        _, weight, bias, _ = generator(torch.zeros(1, 1))
        generator.set_head(weight * 100, bias * 100)

    _, verdicts = assess_batch(batch, spoil, hypernetwork={"strategy": "full"})
    assert verdicts["generator"].fault == ""
    assert verdicts["actor"].fault.startswith("layer ")
    assert "explodes: activations" in verdicts["actor"].fault


@pytest.mark.usefixtures("few_seeds")
@pytest.mark.parametrize("strategy", ["low-rank", "full"])
def test_a_generator_of_zeros_is_caught(batch: ProbeBatch, strategy: str) -> None:
    def spoil(policy: HyperActorCriticPolicy) -> None:
        for parameter in hypernetwork_of(policy).generator.parameters():
            parameter.zero_()

    _, verdicts = assess_batch(batch, spoil, hypernetwork={"strategy": strategy})
    assert "vanishes" in verdicts["generator"].fault
    kind = "context without effect" if strategy == "low-rank" else "vanishes"
    assert kind in verdicts["actor"].fault
    assert kind in verdicts["critic"].fault


@pytest.mark.usefixtures("few_seeds")
def test_a_small_generator_is_caught(batch: ProbeBatch) -> None:
    def spoil(policy: HyperActorCriticPolicy) -> None:
        for parameter in hypernetwork_of(policy).generator.parameters():
            parameter.mul_(1e-3)

    _, verdicts = assess_batch(batch, spoil)
    assert "vanishes" in verdicts["generator"].fault


@pytest.mark.usefixtures("few_seeds")
def test_shared_weights_that_vanish_are_caught(batch: ProbeBatch) -> None:
    def spoil(policy: HyperActorCriticPolicy) -> None:
        for parameter in hypernetwork_of(policy).strategy.parameters():
            parameter.mul_(1e-2)

    _, verdicts = assess_batch(batch, spoil)
    assert verdicts["actor"].fault.startswith("layer 0 vanishes: activations within tasks")


@pytest.mark.usefixtures("few_seeds")
def test_a_late_start_is_no_fault(batch: ProbeBatch) -> None:
    """Bias-HyperInit: no task differs, until heads are moved by what the generator says of each."""
    rows, verdicts = assess_batch(batch, hypernetwork={"initialization": "bias-hyperinit"})
    assert all(row.between == 0 for row in rows if row.network == "actor")
    assert verdicts["actor"] == Verdict(
        "actor", remark="the context has no effect yet, and has one after the first step"
    )


@pytest.mark.usefixtures("few_seeds")
def test_a_network_that_all_tasks_share_needs_no_context(batch: ProbeBatch) -> None:
    rows, verdicts = assess_batch(batch, hypernetwork={"generate": ["actor"]})
    assert all(row.between == 0 for row in rows if row.network == "critic")
    assert verdicts["critic"] == Verdict("critic")


@pytest.mark.usefixtures("few_seeds")
def test_numbers_that_are_not_finite_are_caught(batch: ProbeBatch) -> None:
    def spoil(policy: HyperActorCriticPolicy) -> None:
        next(hypernetwork_of(policy).strategy.parameters())[0] = torch.nan

    _, verdicts = assess_batch(batch, spoil)
    assert "nan" in verdicts["actor"].fault


def test_observations_are_of_all_tasks() -> None:
    found = gather(Family.load("mountaincar"))
    assert found.rows == 64
    assert len(found.descriptors) == len(np.unique(found.descriptors, axis=0)) == 16
    assert set(found.observations) == {"obs"}
    assert found.observations["obs"].std() > 0
    again = gather(Family.load("mountaincar"))
    np.testing.assert_array_equal(found.observations["obs"], again.observations["obs"])


@pytest.mark.usefixtures("few_seeds")
@pytest.mark.parametrize("name", ["hyper-ppo", "hyper-ppo-full", "concat-ppo-matched", "blind-a2c"])
def test_agents_of_the_suite_start_sanely(name: str) -> None:
    start = check_initialization(resolve(load_agent(name), ODE.recipe, ["policy.net_arch=[16, 16]"]), ODE)
    assert start.fault == ""
    last = {row.network: row for row in start.rows if row.layer == "2"}
    assert (last["actor"].between == 0) == (name == "blind-a2c")


@pytest.mark.usefixtures("few_seeds")
def test_convolutions_are_layers_too() -> None:
    seen = spaces.Dict(
        obs=spaces.Box(0, 255, (1, 12, 12), np.uint8), context=spaces.Box(-1.0, 1.0, (2,), np.float32)
    )
    generator = np.random.default_rng(0)
    images = {"obs": generator.integers(0, 255, (16, 1, 12, 12)).astype(np.uint8)}
    contexts = generator.uniform(-1, 1, (4, 2)).astype(np.float32)

    def make(seed: int) -> ActorCriticPolicy:
        torch.manual_seed(seed)
        return HyperActorCriticPolicy(
            seen,
            spaces.Discrete(3),
            lambda _: 1e-3,
            net_arch=[16],
            convolutions=[(4, 3, 2)],
            hypernetwork={"strategy": "full", "hidden": (16,)},
        )

    rows, verdicts = assess(make, None, ProbeBatch(images, contexts))
    assert [row.layer for row in rows] == [*["conv.0", "head.0", "head.1"] * 2, "hidden 0"]
    assert not any(verdict.fault for verdict in verdicts)
    assert all(0.5 < row.within < 2 for row in rows if row.within is not None)


@pytest.mark.usefixtures("few_seeds")
@pytest.mark.parametrize(
    ("name", "family", "networks"),
    [
        ("hyper-sac", "ode", ["actor", "critic0", "critic1", "actor's generator", "critic's generator"]),
        ("hyper-td3", "ode", ["actor", "critic0", "critic1", "actor's generator", "critic's generator"]),
        ("hyper-dqn", "cartpole", ["critic", "generator"]),
        ("concat-sac", "ode", ["actor", "critic0", "critic1"]),
        ("blind-td3", "ode", ["actor", "critic0", "critic1"]),
        ("concat-dqn", "cartpole", ["critic"]),
    ],
)
def test_agents_that_replay_start_sanely(name: str, family: str, networks: list[str]) -> None:
    tasks = Family.load(family)
    start = check_initialization(resolve(load_agent(name), tasks.recipe, ["policy.net_arch=[16, 16]"]), tasks)
    assert start.fault == ""
    assert [verdict.network for verdict in start.verdicts] == networks
    moved = [row.between for row in start.rows if row.layer == "2"]
    assert all((between == 0) == name.startswith("blind") for between in moved)


@pytest.mark.usefixtures("few_seeds")
@pytest.mark.parametrize(("name", "family"), [("hyper-sac", "ode"), ("hyper-dqn", "cartpole")])
@pytest.mark.parametrize(("factor", "kind"), [(100, "explodes"), (1e-3, "vanishes")])
def test_an_insane_start_of_an_agent_that_replays_is_caught(
    name: str, family: str, factor: float, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The critics' generator alone is spoilt; the actor's is not blamed for it."""

    def spoilt(*arguments: Any, **options: Any) -> Any:
        model = bare_model(*arguments, **options)
        with torch.no_grad():
            policy: Any = model.policy
            for module in policy.parts["critic"].modules():
                if isinstance(module, HyperNetwork):
                    for parameter in module.generator.parameters():
                        parameter.mul_(factor)
        return model

    monkeypatch.setattr(initialization_check, "bare_model", spoilt)
    tasks = Family.load(family)
    start = check_initialization(resolve(load_agent(name), tasks.recipe, ["policy.net_arch=[16, 16]"]), tasks)
    faults = {verdict.network: verdict.fault for verdict in start.verdicts}
    own = "generator" if name == "hyper-dqn" else "critic's generator"
    assert kind in faults[own]
    assert not faults.get("actor")
    assert not faults.get("actor's generator")


@pytest.mark.usefixtures("few_seeds")
def test_hypernetworks_of_their_own_are_reported_apart() -> None:
    agent = resolve(
        load_agent("hyper-sac"), ODE.recipe, ["policy.net_arch=[16]", "policy.hypernetwork.trunk=separate"]
    )
    names = [verdict.network for verdict in check_initialization(agent, ODE).verdicts]
    assert names[3:] == ["actor's generator", "critic0's generator", "critic1's generator"]
