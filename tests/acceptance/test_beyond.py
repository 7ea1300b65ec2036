"""`policy.beyond`: what an agent does on tasks outside the training ranges, through the public interface."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import hyperrl
from hyperrl.config import STRATEGY_OPTIONS
from hyperrl.evaluation.agent import Agent
from hyperrl.policies.registry import view
from hyperrl.recipes import load_agent, shipped
from hyperrl.training.checkpoint import load_state, save_state
from tests.policies.worlds import disturb
from tests.runs import SMALL, untrained
from tests.suite import family_for, learnable, needs

HYPER = "policy.hypernetwork."
AGENTS = {name: load_agent(name) for name in shipped("agents")}
SEEING = [name for name, agent in AGENTS.items() if agent.observes_context]
"""Those that observe the context."""
CHOICES: dict[str, tuple[str, ...]] = {
    **{strategy: (f"{HYPER}strategy={strategy}",) for strategy in STRATEGY_OPTIONS},
    "separate": (f"{HYPER}trunk=separate",),
    "magnitude": (f"{HYPER}magnitude_invariant=true",),
    "state": (f"{HYPER}inputs=[context, state]",),
    "noise": (f"{HYPER}inputs=[context, noise]",),
    "dropout": (f"{HYPER}context_dropout=0.3",),
}
ROWS = 7


def agent_of(folder: Path, name: str, beyond: str, *overrides: str) -> Agent:
    """An agent that nobody trained, every parameter moved away from its start."""
    family = family_for(name, "pendulum")
    small = ("policy.net_arch=[8, 8]", f"policy.beyond={beyond}", *overrides)
    torch.manual_seed(0)
    agent = hyperrl.load(untrained(folder / beyond, name, family, small))
    torch.manual_seed(1)
    disturb(agent.model.policy)
    return agent


def beyond_and_edge(agent: Agent) -> list[dict[str, float]]:
    """A task beyond the training ranges, by turns above and below, and the nearest one within them."""
    ends = list(enumerate(agent.family.space.features.items()))
    return [
        {name: feature.widest[1 - index % 2] for index, (name, feature) in ends},
        {name: feature.train[1 - index % 2] for index, (name, feature) in ends},
    ]


def outputs(agent: Agent, context: dict[str, float], learning: bool) -> list[Any]:
    """What all networks of a policy give on one task."""
    policy, rng = agent.model.policy, np.random.default_rng(0)
    policy.set_training_mode(learning)
    (size,) = agent.family.adapter.observation_space.shape or ()
    seen = {
        "obs": torch.as_tensor(rng.standard_normal((ROWS, size)), dtype=torch.float32),
        "context": torch.as_tensor(agent.family.space.descriptors([context] * ROWS)),
    }
    torch.manual_seed(2)
    with torch.no_grad():
        return [each.numpy() for each in view(policy).outputs(seen, lambda n: torch.randn(ROWS, n))]


def equal(one: list[Any], other: list[Any]) -> bool:
    return all(np.array_equal(*pair) for pair in zip(one, other, strict=True))


def assert_saturates(folder: Path, name: str, *overrides: str) -> None:
    saturated, linear = (agent_of(folder, name, beyond, *overrides) for beyond in ("saturate", "linear"))
    recipe = load_agent(name)
    beyond, edge = beyond_and_edge(saturated)
    start = np.full(saturated.family.adapter.observation_space.shape or (), 0.1, np.float32)

    def act(agent: Agent, context: dict[str, float]) -> list[Any]:
        agent.reset()
        return [agent.act(start, context)]

    assert equal(act(saturated, beyond), act(saturated, edge))
    assert equal(act(saturated, edge), act(linear, edge))
    if recipe.algorithm.recurrent:
        return
    for learning in (False, True):
        if learning and recipe.algorithm.name == "crossq":
            continue  # statistics of the batch move as it learns
        assert equal(*(outputs(saturated, context, learning) for context in (beyond, edge)))
        assert equal(*(outputs(agent, edge, learning) for agent in (saturated, linear)))
        found = [outputs(linear, context, learning) for context in (beyond, edge)]
        assert not any(np.allclose(*pair) for pair in zip(*found, strict=True))
    if recipe.policy.kind == "hyper" and not any("state" in each for each in overrides):
        ours, wanted, theirs = (saturated.weights(beyond), saturated.weights(edge), linear.weights(beyond))
        assert all(np.array_equal(ours[layer], wanted[layer]) for layer in wanted)
        assert not all(np.array_equal(theirs[layer], wanted[layer]) for layer in wanted)


@pytest.mark.parametrize("name", [learnable(name) for name in SEEING])
def test_a_task_beyond_the_range_is_played_as_the_one_at_its_edge(name: str, tmp_path: Path) -> None:
    assert_saturates(tmp_path, name)


@pytest.mark.parametrize("choice", CHOICES)
def test_it_is_so_with_every_strategy_and_input(choice: str, tmp_path: Path) -> None:
    assert_saturates(tmp_path, "hyper-ppo", *CHOICES[choice])


@pytest.mark.parametrize("name", ["hyper-ppo", "hyper-sac", "concat-ppo"])
def test_training_is_the_same_bit_for_bit(name: str, tmp_path: Path) -> None:
    recipe = load_agent(name)
    small = ["n_envs=2", "policy.net_arch=[8]"]
    small += ["algorithm.learning_starts=16"] if recipe.algorithm.off_policy else [*SMALL]
    states = []
    for beyond in ("linear", "saturate"):
        out = tmp_path / beyond
        hyperrl.train(name, "pendulum", steps=64, overrides=[*small, f"policy.beyond={beyond}"], out=out)
        states.append(load_state(hyperrl.load(out).run, "latest")["policy"])
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])


def test_a_hidden_feature_stays_hidden(tmp_path: Path) -> None:
    linear, saturated = (
        agent_of(tmp_path, "hyper-ppo", each, *CHOICES["dropout"]) for each in ("linear", "saturate")
    )
    seen = {"obs": torch.zeros(1, 3), "context": torch.tensor([[torch.nan, 0.5, -0.5]])}
    actions = []
    for agent in (linear, saturated):
        agent.model.policy.set_training_mode(False)
        with torch.no_grad():
            actions.append(view(agent.model.policy).act_outputs(seen))
    assert torch.equal(*actions)
    assert actions[0].isfinite().all()


@pytest.mark.parametrize(
    "name", ["hyper-ppo", "concat-ppo", "hyper-sac", pytest.param("concat-trpo", marks=needs("contrib"))]
)
def test_specialists_of_all_formats_act_as_the_agent(name: str, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="needs the extra export")
    agent = agent_of(tmp_path, name, "saturate")
    folder = agent.run.path
    save_state(agent.run, "best", {"steps": 16, "policy": agent.model.policy.state_dict()})
    beyond, edge = beyond_and_edge(agent)
    obs = np.random.default_rng(0).standard_normal((ROWS, 3)).astype(np.float32)
    wanted = agent.act(obs, beyond)
    for form, ending in (("torch", "safetensors"), ("onnx", "onnx")):
        written = hyperrl.specialize(folder, beyond, format=form, out=tmp_path / f"special.{ending}")
        actions = hyperrl.load_specialist(written.file)(obs)
        np.testing.assert_allclose(actions, wanted, atol=1e-5)
    model: Any = agent.model
    zipped = hyperrl.specialize(folder, beyond, format="sb3", out=tmp_path / "special.zip").file
    actions, _ = type(model).load(zipped).predict(obs, deterministic=True)
    np.testing.assert_allclose(actions, wanted, atol=1e-5)
    np.testing.assert_array_equal(agent.act(obs, edge), wanted)
    assert np.abs(agent_of(tmp_path, name, "linear").act(obs, beyond) - wanted).max() > 1e-3
