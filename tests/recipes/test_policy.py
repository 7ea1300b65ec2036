"""Mistakes in a policy's hypernetwork, and the names of the layers that it may generate."""

from typing import Any

import pytest

from hyperrl.recipes import HyperPolicyRecipe, parse_agent
from tests.recipes.mistakes import agent, refusal

HYPERNETWORK_MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"chunk_size": 8}, "chunk_size: found 8; allowed: none with the strategy 'low-rank'"),
    ({"strategy": "mask", "width": 8}, "width: found 8; allowed: none with the strategy 'mask'"),
    ({"strategy": "mask", "sparsity": 1}, "sparsity: found 1.0; allowed: a number, 0 or more, below 1"),
    ({"adapter_activation": "relu"}, 'adapter_activation: found "relu"; allowed: none with the strategy'),
    ({"generate": "actor"}, 'generate: found "actor"; allowed: all, or a list of layers'),
    ({"generate": []}, "generate: found []; allowed: all, or a list of layers such as"),
    ({"generate": ["actr"]}, "generate.0: found 'actr'; no layer of these networks; did you mean 'actor'?"),
    ({"generate": ["actor.3"]}, "generate.0: found 'actor.3'; no layer of these networks"),
    (
        {"generate": ["actor"], "trunk": "separate"},
        'generate: found ["actor"]; allowed: a layer of the critic too',
    ),
    (
        {"architecture": "transformer", "hidden": [8, 4]},
        "hidden: found [8, 4]; allowed: one or more equal widths with the architecture 'transformer'",
    ),
    ({"architecture": "recurrent", "hidden": []}, "hidden: found []; allowed: one or more equal widths"),
    (
        {"head_norm": "spectral", "initialization": "bias-hyperinit"},
        'head_norm: found "spectral"; allowed: weight or none with',
    ),
    ({"inputs": []}, "inputs: found []; allowed: one or more inputs, each once"),
    ({"inputs": ["contxt"]}, "inputs.0: found \"contxt\"; allowed: 'context', 'state', 'embedding', 'noise'"),
    ({"inputs": ["memory", "state"]}, 'inputs: found ["memory", "state"]; allowed: nothing beside'),
    ({"inputs": ["memory"]}, "inputs: found [\"memory\"]; allowed: no 'memory' with the algorithm 'ppo'"),
    (
        {"inputs": ["state", "state"]},
        'inputs: found ["state", "state"]; allowed: one or more',
    ),
    ({"embedding_dim": 4}, "embedding_dim: found 4; allowed: none unless inputs hold 'embedding'"),
    ({"noise_dim": 4}, "noise_dim: found 4; allowed: none unless inputs hold 'noise'"),
    ({"context_dropout": 1}, "context_dropout: found 1.0; allowed: a number, 0 or more, below 1"),
    (
        {"context_dropout": 0.1, "inputs": ["noise"]},
        "context_dropout: found 0.1; allowed: 0 unless inputs hold 'context'",
    ),
    (
        {"magnitude_invariant": True, "inputs": ["state"]},
        "magnitude_invariant: found true; allowed: false unless inputs hold 'context'",
    ),
    ({"max_grad_norm": 0}, "max_grad_norm: found 0.0; allowed: a number, above 0, or None"),
    ({"lr_scale": {"head": 2}}, "lr_scale.head: unknown field; did you mean 'heads'?"),
    ({"lr_scale": {"heads": -1}}, "lr_scale.heads: found -1.0; allowed: a number, 0 or more"),
]


@pytest.mark.parametrize(("fields", "message"), HYPERNETWORK_MISTAKES)
def test_hypernetwork_mistakes(fields: dict[str, Any], message: str) -> None:
    data = agent(policy={"kind": "hyper", "hypernetwork": fields})
    assert refusal(parse_agent, data, "x").startswith(f"x: policy.hypernetwork.{message}")


def test_names_of_layers_follow_the_networks() -> None:
    fields = {
        "kind": "hyper",
        "net_arch": {"pi": [8], "vf": []},
        "layer_norm": True,
        "convolutions": [[4, 3, 1]],
        "hypernetwork": {"generate": ["actor.conv.0", "actor.head.norm.0", "critic.head.0"]},
    }
    policy = parse_agent(agent(policy=fields), "x").policy
    assert isinstance(policy, HyperPolicyRecipe)
    assert policy.layers == {
        "actor": ("actor.conv.0", "actor.head.0", "actor.head.norm.0", "actor.head.1"),
        "critic": ("critic.conv.0", "critic.head.0"),
    }


def test_agents_that_see_the_context_say_what_they_do_beyond_its_range() -> None:
    for kind in ("hyper", "concat"):
        policy: Any = parse_agent(agent(policy={"kind": kind, "beyond": "saturate"}), "x").policy
        assert policy.beyond == "saturate"
        assert parse_agent(agent(policy={"kind": kind}), "x").policy.beyond == "saturate"  # type: ignore[union-attr]
    said = refusal(parse_agent, agent(policy={"kind": "blind", "beyond": "linear"}), "x")
    assert said.startswith("x: policy.beyond: unknown field")
    said = refusal(parse_agent, agent(policy={"kind": "concat", "beyond": "clamp"}), "x")
    assert said.startswith('x: policy.beyond: found "clamp"; allowed: ')
