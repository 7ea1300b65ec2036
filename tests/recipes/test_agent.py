"""Mistakes in an agent."""

from typing import Any

import pytest

from hyperrl.recipes import load_agent, load_family, parse_agent, resolve, shipped
from tests.recipes.mistakes import agent, refusal

FOR_SOME_ALGORITHMS: list[tuple[str, dict[str, Any], str]] = [
    ("ppo", {"kind": "blind", "n_quantiles": 5}, "policy.n_quantiles: found 5; allowed: none with the"),
    ("sac", {"kind": "concat", "shared_lstm": False}, "policy.shared_lstm: found false; allowed: none with"),
    ("trpo", {"kind": "hyper"}, 'policy.hypernetwork.trunk: found "shared"; allowed: separate with the'),
    (
        "trpo",
        {"kind": "hyper", "effort_coef": 0.1, "hypernetwork": {"trunk": "separate"}},
        "policy.effort_coef: found 0.1; allowed: 0 with the algorithm 'trpo'",
    ),
    (
        "recurrent_ppo",
        {"kind": "hyper"},
        'policy.hypernetwork.inputs: found ["context"]; allowed: [memory] with the algorithm',
    ),
    (
        "recurrent_ppo",
        {"kind": "hyper", "shared_lstm": True, "hypernetwork": {"inputs": ["memory"]}},
        "policy.shared_lstm: found true; allowed: none with generated networks, whose hypernetwork.trunk",
    ),
    (
        "recurrent_ppo",
        {"kind": "concat", "shared_lstm": True},
        "policy.enable_critic_lstm: found null; allowed: false where policy.shared_lstm is true",
    ),
    (
        "recurrent_ppo",
        {"kind": "hyper", "convolutions": [[4, 3, 1]], "hypernetwork": {"inputs": ["memory"]}},
        "policy.hypernetwork.inputs: found [\"memory\"]; allowed: no 'memory' beside policy.convolutions",
    ),
]

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
    (agent(format=3), "format: found 3; allowed: 2"),
    (
        agent(format=1),
        "format: found 1; allowed: 2, in which policy.hypernetwork.initialisation is named initialization, "
        "policy.hypernetwork.missing is named context_dropout",
    ),
    (
        agent(policy={"kind": "hyper", "hypernetwork": {"missing": 0.1}}),
        "policy.hypernetwork.missing: is named 'context_dropout' since format 2",
    ),
    (
        agent(policy={"kind": "hyper", "hypernetwork": {"neurons": 8}}),
        "policy.hypernetwork.neurons: unknown field; known: strategy, rank, ",
    ),
    (
        agent(sampler="random"),
        "sampler: found \"random\"; allowed: 'uniform', 'round-robin', 'plr', 'cvar' or 'adversarial'",
    ),
    (
        agent(curriculum={"alpha": 0.5}),
        "curriculum.alpha: found 0.5; allowed: none with the sampler 'uniform'",
    ),
    (
        agent(sampler="cvar", curriculum={"temperature": 1}),
        "curriculum.temperature: found 1.0; allowed: none with the sampler 'cvar'",
    ),
    (agent(sampler="cvar", curriculum={"alpha": 0}), "curriculum.alpha: found 0; allowed: a number > 0"),
    (
        agent(sampler="cvar", curriculum={"alpha": "x"}),
        'curriculum.alpha: found "x"; allowed: a finite number',
    ),
    (
        agent(sampler="plr", curriculum={"temperature": 0}),
        "curriculum.temperature: found 0; allowed: a number >= 0.01",
    ),
    (
        agent(sampler="plr", curriculum={"staleness": 1.5}),
        "curriculum.staleness: found 1.5; allowed: a number <= 1",
    ),
    (
        agent(curriculum={"beta": 1}),
        "curriculum.beta: unknown field; known: temperature, alpha, strength, staleness",
    ),
    (agent(curriculum="hard"), 'curriculum: found "hard"; allowed: a mapping'),
    (agent(step=3), "step: unknown field; did you mean 'steps'?"),
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
        agent(policy={"kind": "hyper", "convolutions": [[16, 3]]}),
        "policy.convolutions.0.2: missing",
    ),
    (
        agent(policy={"kind": "hyper", "convolutions": []}),
        "policy.convolutions: found []; allowed: at least 1",
    ),
    (agent(policy={"kind": "concat", "layer_norm": True}), "policy.layer_norm: unknown field"),
    (
        agent(policy={"kind": "hyper", "convolutions": [[4, 3, 1]], "hypernetwork": {"inputs": ["state"]}}),
        "policy.hypernetwork.inputs: found [\"state\"]; allowed: no 'state' beside policy.convolutions",
    ),
    (
        agent(policy={"kind": "hyper", "layer_norm": True, "hypernetwork": {"generate": ["actor.norm.2"]}}),
        "policy.hypernetwork.generate.0: found 'actor.norm.2'; no layer of these networks",
    ),
    (
        agent(policy={"kind": "hyper", "hypernetwork": [8]}),
        "policy.hypernetwork: found [8]; allowed: a mapping with",
    ),
    (agent(policy={"kind": "hyper", "ortho_init": 1}), "policy.ortho_init: found 1; allowed: true or false"),
    (
        agent(algorithm={"name": "saq"}),
        "algorithm.name: found \"saq\"; did you mean 'sac'? known: ppo, a2c, trpo, recurrent_ppo",
    ),
    (
        agent(algorithm={"name": "sac", "ent_coef": "x"}),
        'algorithm.ent_coef: found "x"; allowed: a finite number, or auto',
    ),
    (
        agent(algorithm={"name": "sac", "ent_coef": -1}),
        "algorithm.ent_coef: found -1.0; allowed: a number >= 0",
    ),
    (
        agent(algorithm={"name": "td3", "gradient_steps": 0}),
        "algorithm.gradient_steps: found 0; allowed: -1, or at least 1",
    ),
    (
        agent(algorithm={"name": "ppo", "her": {}}),
        "algorithm.her: found {}; allowed: none on policy, where no transition is replayed",
    ),
    (
        agent(algorithm={"name": "sac", "her": {}, "n_steps": 3}),
        "algorithm.n_steps: found 3; allowed: 1 with algorithm.her",
    ),
    (
        agent(algorithm={"name": "dqn", "her": {"goal_selection_strategy": "random"}}),
        "algorithm.her.goal_selection_strategy: found \"random\"; allowed: 'future', 'final' or 'episode'",
    ),
    (
        agent(algorithm={"name": "td3", "her": {"n_sampled_goal": 0}}),
        "algorithm.her.n_sampled_goal: found 0; allowed: a number > 0",
    ),
    (
        agent(algorithm={"name": "sac", "replay_buffer_class": "HerReplayBuffer"}),
        "algorithm.replay_buffer_class: unknown field; hindsight experience replay is 'her: {",
    ),
    (
        agent(algorithm={"name": "td3", "noise_type": "normal", "noise_std": 0.1}),
        "algorithm.noise_type: unknown field; normal noise on actions is 'action_noise: 0.1'",
    ),
    (
        agent(algorithm={"name": "sac", "n_steps": 0}),
        "algorithm.n_steps: found 0; allowed: a number > 0",
    ),
    (
        agent(algorithm={"name": "dqn", "n_steps": 30, "buffer_size": 100}, n_envs=4),
        "algorithm.n_steps: found 30; allowed: at most buffer_size / n_envs, 25",
    ),
    *(
        (agent(algorithm={"name": name}, policy=policy), message)
        for name, policy, message in FOR_SOME_ALGORITHMS
    ),
    (
        agent(algorithm={"name": "trpo", "sub_sampling_factor": 1024, "n_steps": 128}),
        "algorithm.n_steps: found 128; allowed: n_steps * n_envs > 1",
    ),
    (
        agent(
            algorithm={"name": "recurrent_ppo", "n_steps": 16, "batch_size": 127}, policy={"kind": "blind"}
        ),
        "algorithm.batch_size: found 127; allowed: at least 2 where advantages are normalized, and no single",
    ),
    (
        agent(
            algorithm={"name": "tqc", "top_quantiles_to_drop_per_net": 5},
            policy={"kind": "blind", "n_quantiles": 5},
        ),
        "algorithm.top_quantiles_to_drop_per_net: found 5; allowed: less than policy.n_quantiles, 5",
    ),
    (agent(algorithm={"name": "dqn", "tau": 0}), "algorithm.tau: found 0; allowed: a number > 0"),
    (agent(algorithm={"name": "sac", "clip_range": 0.2}), "algorithm.clip_range: unknown field"),
    (
        agent(policy={"kind": "concat", "critic_lr_scale": 3}),
        "policy.critic_lr_scale: found 3.0; allowed: 1 with the algorithm 'ppo', which has one learning rate",
    ),
    (
        agent(algorithm={"name": "dqn"}, policy={"kind": "blind", "net_arch": {"pi": [8], "vf": [8]}}),
        "policy.net_arch: found {",
    ),
    (
        agent(
            algorithm={"name": "td3"},
            policy={"kind": "hyper", "hypernetwork": {"inputs": ["noise"], "index": {"act": "vote"}}},
        ),
        "policy.hypernetwork.index.act: found \"vote\"; allowed: thompson, mean with the algorithm 'td3'",
    ),
    (
        agent(algorithm={"name": "sac"}, policy={"kind": "hyper", "convolutions": [[8, 4, 2]]}),
        "policy.convolutions: found [[8, 4, 2]]; allowed: none with the algorithm 'sac'",
    ),
    (
        agent(
            algorithm={"name": "sac"}, policy={"kind": "hyper", "hypernetwork": {"generate": ["critic.0"]}}
        ),
        'policy.hypernetwork.generate: found ["critic.0"]; allowed: a layer of the actor too',
    ),
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


@pytest.mark.parametrize("name", shipped("agents"))
def test_an_agent_without_context_is_as_valid_and_as_wide(name: str) -> None:
    own = load_agent(name)
    plain = own.without_context()
    assert (plain.policy.kind, plain.policy.net_arch) == ("blind", own.policy.net_arch)
    assert (plain.algorithm, plain.steps, plain.name) == (own.algorithm, own.steps, own.name)
    assert plain.without_context() == plain


def test_what_acts_on_contexts_goes_with_them() -> None:
    changes = ["sampler=plr", "curriculum.temperature=0.3", "context_noise=0.1", "n_envs=3"]
    own = resolve(load_agent("hyper-ppo"), load_family("ode"), changes)
    plain = own.without_context()
    assert (plain.sampler, plain.context_noise, plain.n_envs) == ("uniform", 0, 3)
    assert plain.curriculum.options == {}
