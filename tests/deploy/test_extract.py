"""Agents that have no specialist are refused."""

from __future__ import annotations

import pytest

from hyperrl import UserError
from hyperrl.deploy.extract import extract_specialist
from hyperrl.recipes import load_agent, resolve
from hyperrl.tasks import Family
from hyperrl.training.build import bare_model
from tests.deploy.cases import example


@pytest.mark.parametrize("kind", ["hyper", "concat", "blind"])
def test_an_agent_that_remembers_is_refused_by_every_format(kind: str) -> None:
    pytest.importorskip("sb3_contrib", reason="needs the extra contrib")
    pytest.importorskip("onnxscript", reason="needs the extra export")
    from hyperrl.deploy.generalist import onnx_bytes

    family = Family.load("pendulum")
    agent = f"{kind}-recurrent-ppo"
    recipe = resolve(load_agent(agent), family.recipe, ("policy.net_arch=[8]", "policy.lstm_hidden_size=4"))
    model = bare_model(recipe, family.observation_space, family.action_space, to_learn=False)
    told = f"agent '{agent}': remembers what it saw; only agents without a memory are exported"
    with pytest.raises(UserError, match=told):
        extract_specialist(model, agent, family, family.space.default)
    with pytest.raises(UserError, match=told):
        onnx_bytes(model, agent, family)


def test_an_agent_whose_weights_follow_the_state_has_none() -> None:
    family = Family.load("pendulum")
    state = ("policy.net_arch=[8]", "policy.hypernetwork.inputs=[context, state]")
    recipe = resolve(load_agent("hyper-ppo"), family.recipe, state)
    model = bare_model(recipe, family.observation_space, family.action_space, to_learn=False)
    with pytest.raises(UserError, match="agent 'mine': its weights follow the observation"):
        extract_specialist(model, "mine", family, family.space.default)


@pytest.mark.parametrize("name", ["ppo", "concat ppo"])
def test_a_specialist_says_where_it_comes_from(name: str) -> None:
    case = example(name)
    plan = case.specialist.plan
    agent = "concat-ppo" if "concat" in name else "hyper-ppo"
    assert (plan.agent, plan.algorithm, plan.family) == (agent, "ppo", "pendulum")
    assert plan.context == case.context
    assert "context" not in [part.name for part in plan.inputs]
    assert case.specialist.parameters == sum(
        array.size for key, array in case.specialist.arrays.items() if not key.startswith("action.")
    )
