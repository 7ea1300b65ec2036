"""Agents with a memory, from training to acting."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from hyperrl.errors import UserError
from hyperrl.evaluation import ModelPolicy, evaluate_tasks
from hyperrl.evaluation.agent import Agent
from hyperrl.tasks import Family
from hyperrl.training import load_model
from hyperrl.training.checkpoint import load_state
from tests.suite import needs
from tests.training.conftest import train_alone, train_small

pytestmark = needs("contrib")


@pytest.fixture(scope="module", params=["hyper-recurrent-ppo", "concat-recurrent-ppo", "blind-recurrent-ppo"])
def agent(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Agent:
    with train_alone():
        run = train_small(tmp_path_factory.mktemp("recurrent"), request.param, "pendulum", steps=512)
    return Agent(run, Family(run.spec.family), load_model(run, "latest"))


def alone(agent: Agent, observations: Any, context: Mapping[str, float]) -> list[Any]:
    """The actions of sb3-contrib's own `predict` in one episode."""
    descriptor = agent.family.space.descriptors([context])[0]
    state, found = None, []
    for observation in observations:
        seen = {"obs": observation, "context": descriptor}
        action, state = agent.model.predict(seen, state=state, deterministic=True)
        found.append(action)
    return found


def test_acting_remembers_an_episode_and_forgets_it_at_its_end(agent: Agent) -> None:
    observations = np.random.default_rng(0).uniform(-1, 1, (5, 3)).astype(np.float32)
    context = agent.family.tasks("train")[0]
    expected = alone(agent, observations, context)
    for _ in range(2):
        found = [agent.act(each, context) for each in observations]
        np.testing.assert_allclose(found, expected, atol=1e-5)
        onward = agent.act(observations[0], context)
        assert not np.allclose(onward, expected[0], atol=1e-7)
        agent.reset()
    both = [agent.act(np.stack([each, each]), context) for each in observations]
    np.testing.assert_allclose([pair[1] for pair in both], expected, atol=1e-5)
    with pytest.raises(ValueError, match=r"found 1 observations after 2; allowed: as many until reset"):
        agent.act(observations[0], context)


def test_evaluated_episodes_are_those_of_each_by_itself(agent: Agent) -> None:
    tasks = agent.family.tasks("train")[:3]
    act = ModelPolicy(agent.model)
    first, again = (evaluate_tasks(act, agent.family, tasks, episodes=2) for _ in range(2))
    assert [each.returns for each in first] == [each.returns for each in again]
    for task, result in zip(tasks, first, strict=True):
        (found,) = evaluate_tasks(ModelPolicy(agent.model), agent.family, [task], episodes=2)
        np.testing.assert_allclose(found.returns, result.returns, rtol=1e-4)


def test_weights_that_follow_a_memory_are_no_tasks(agent: Agent) -> None:
    hyper = agent.run.spec.agent.policy.kind == "hyper"
    says = "follow what it observes, as .* holds 'memory'" if hyper else "generates no weights"
    for ask in (agent.weights, agent.specialize):
        with pytest.raises(UserError, match=says):
            ask(agent.family.tasks("train")[0])


def test_a_checkpoint_holds_the_memory(agent: Agent) -> None:
    memory = load_state(agent.run, "latest")["memory"]
    assert [tuple(part.shape) for pair in memory for part in pair] == [(1, 8, 8)] * 4
    assert bool(memory[0][0].any())
