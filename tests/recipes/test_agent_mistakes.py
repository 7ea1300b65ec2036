"""Mistakes in an agent."""

from typing import Any

import pytest

from hyperrl.recipes import parse_agent
from tests.recipes.mistakes import agent, refusal

AGENT_MISTAKES = [
    (agent(steps=-5), "steps: found -5; allowed: a number > 0"),
    (agent(steps=0), "steps: found 0; allowed: a number > 0"),
    (agent(steps="many"), 'steps: found "many"; allowed: a whole number'),
    (agent(steps=1.5), "steps: found 1.5; allowed: a whole number"),
    (agent(steps=True), "steps: found true; allowed: a whole number"),
    (agent(steps="8"), 'steps: found "8"; allowed: a whole number'),
    (agent(steps=float("nan")), "steps: found NaN; allowed: a whole number"),
    (agent(steps=None), "steps: found null; allowed: a whole number"),
    (agent(n_envs=10**6), "n_envs: found 1000000; allowed: a number <= 65536"),
    (agent(about=3), "about: found 3; allowed: text"),
    (agent(about="\x1b[31m"), 'about: found "\\u001b[31m"; allowed: text without control characters'),
    (agent(name="a b"), "name: found \"a b\"; allowed: a name of at most 64 letters, digits, '-' and '_'"),
    (agent(name="../a"), 'name: found "../a"; allowed: a name of at most'),
    (agent(format=2), "format: found 2; allowed: 1"),
    (agent(sampler="random"), "sampler: found \"random\"; allowed: 'uniform' or 'round-robin'"),
    (agent(step=3), "step: unknown field; did you mean 'steps'? known: format, name, about"),
    (
        agent(policy={"kind": "hyper", "net_arc": [3]}),
        "policy.net_arc: unknown field; did you mean 'net_arch'?",
    ),
    (
        agent(policy={"kind": "hypre"}),
        "policy.kind: found \"hypre\"; did you mean 'hyper'? known: hyper, concat, blind",
    ),
    (agent(policy={}), "policy: found {}; allowed: a mapping with the field 'kind'"),
    (agent(policy="hyper"), 'policy: found "hyper"; allowed: a mapping'),
    (agent(policy={"kind": "blind", "hypernetwork": {}}), "policy.hypernetwork: unknown field"),
    (
        agent(policy={"kind": "hyper", "net_arch": 64}),
        "policy.net_arch: found 64; allowed: widths as [64, 64], or {pi:",
    ),
    (agent(policy={"kind": "hyper", "net_arch": "64"}), 'policy.net_arch: found "64"; allowed: widths as'),
    (
        agent(policy={"kind": "hyper", "net_arch": [64, 0]}),
        "policy.net_arch.1: found 0; allowed: a number > 0",
    ),
    (
        agent(policy={"kind": "hyper", "net_arch": {"pi": [64], "vf": [-1]}}),
        "policy.net_arch.vf.0: found -1;",
    ),
    (agent(policy={"kind": "hyper", "net_arch": {"pi": [64]}}), "policy.net_arch.vf: missing"),
    (
        agent(policy={"kind": "hyper", "hypernetwork": {"strategy": "ful"}}),
        "policy.hypernetwork.strategy: found \"ful\"; allowed: 'low-rank', 'full', 'chunked'",
    ),
    (
        agent(policy={"kind": "hyper", "hypernetwork": [8]}),
        "policy.hypernetwork: found [8]; allowed: a mapping with",
    ),
    (agent(policy={"kind": "hyper", "ortho_init": 1}), "policy.ortho_init: found 1; allowed: true or false"),
    (agent(algorithm={"name": "sac"}), "algorithm.name: found \"sac\"; did you mean 'a2c'? known: ppo, a2c"),
    (
        agent(algorithm={"name": "ppo", "learning_rate": 0}),
        "algorithm.learning_rate: found 0; allowed: a number > 0",
    ),
    (
        agent(algorithm={"name": "ppo", "learning_rate": float("inf")}),
        "algorithm.learning_rate: found Infinity; allowed: a finite number",
    ),
    (
        agent(algorithm={"name": "ppo", "learning_rate": "fast"}),
        'algorithm.learning_rate: found "fast"; allowed: a finite number',
    ),
    (agent(algorithm={"name": "ppo", "gamma": 1.2}), "algorithm.gamma: found 1.2; allowed: a number <= 1"),
    (agent(algorithm={"name": "ppo", "gamma": 10**400}), "algorithm.gamma: found 1000"),
    (
        agent(algorithm={"name": "a2c", "n_epochs": 3}),
        "algorithm.n_epochs: unknown field; did you mean 'n_steps'?",
    ),
    (
        agent(algorithm={"name": "ppo", "batch_size": 1}),
        "algorithm.batch_size: found 1; allowed: at least 2 where",
    ),
    (
        agent(n_envs=1, algorithm={"name": "ppo", "n_steps": 1}),
        "algorithm.n_steps: found 1; allowed: n_steps * n_envs",
    ),
    ([1], "found [1]; allowed: a mapping with fields of format, name"),
]


@pytest.mark.parametrize(
    ("data", "message"), AGENT_MISTAKES, ids=[message[:40] for _, message in AGENT_MISTAKES]
)
def test_agent_mistakes(data: Any, message: str) -> None:
    assert refusal(parse_agent, data, "agents/x.yaml").startswith(f"agents/x.yaml: {message}")


@pytest.mark.parametrize("name", ["name", "about", "algorithm", "policy"])
def test_agent_needs(name: str) -> None:
    data = agent()
    del data[name]
    assert refusal(parse_agent, data, "x") == f"x: {name}: missing"
