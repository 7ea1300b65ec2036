"""Models and agents loaded from runs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from hyperrl.errors import UserError
from hyperrl.evaluation import ModelPolicy, evaluate_tasks
from hyperrl.evaluation.agent import Agent
from hyperrl.tasks import Family
from hyperrl.training import BatchedVecEnv, load_model
from hyperrl.training.checkpoint import load_state
from tests.suite import learnable
from tests.training.conftest import Start, train_alone, train_small
from tests.training.states import make_best, vector


def test_a_model_is_loaded_from_any_checkpoint(start: Start) -> None:
    run = start("concat-ppo", "ode", steps=512)
    make_best(run)
    family = Family.load("ode")
    for checkpoint in (None, "best", "latest"):
        model = load_model(run, checkpoint, family=family)
        assert torch.equal(
            torch.cat([w.flatten() for w in model.policy.state_dict().values()]),
            vector(run, checkpoint or "best"),
        )
    with pytest.raises(UserError, match="no checkpoint '77'; it has: best, latest"):
        load_model(run, "77")


@pytest.mark.usefixtures("no_telemetry")
def test_a_loaded_model_is_an_sb3_algorithm_like_any_other(start: Start, tmp_path: Path) -> None:
    run = start(steps=512)
    model = load_model(run)
    family = Family.load("ode")
    model.set_env(BatchedVecEnv(family.make_vec(run.spec.agent.n_envs)))
    before = model.num_timesteps
    model.learn(512, reset_num_timesteps=False)
    assert model.num_timesteps == before + 512
    model.save(tmp_path / "model.zip")
    again = type(model).load(tmp_path / "model.zip")
    observation = family.observation_space.sample()
    expected = model.predict(observation, deterministic=True)[0]
    assert again.predict(observation, deterministic=True)[0].tolist() == expected.tolist()


@pytest.mark.usefixtures("nothing_but_training")
@pytest.mark.parametrize(
    ("agent", "family"),
    [
        ("hyper-sac", "ode"),
        ("hyper-td3", "pendulum"),
        ("hyper-dqn", "cartpole"),
        learnable("hyper-tqc", "pendulum"),
        learnable("hyper-crossq", "pendulum"),
        learnable("hyper-qrdqn", "cartpole"),
    ],
)
def test_a_loaded_agent_acts_and_specializes(start: Start, agent: str, family: str) -> None:
    run = start(agent, family, steps=512)
    tasks = Family(run.spec.family)
    loaded = Agent(run, tasks, load_model(run, "latest"))
    context = tasks.tasks("train")[0]
    observation = tasks.observation_space["obs"].sample()  # type: ignore[index]
    action = loaded.act(observation, context)
    discrete = agent.endswith("dqn")
    assert tasks.action_space.contains(action.item() if discrete else action)
    outputs = loaded.specialize(context)(torch.as_tensor(observation)[None])[0].detach().numpy()
    if discrete:
        assert int(outputs.reshape(-1, 2).mean(axis=0).argmax()) == int(action)
        return
    size = len(action)
    space: Any = tasks.action_space
    unscaled = space.low + (np.tanh(outputs[:size]) + 1) / 2 * (space.high - space.low)
    np.testing.assert_allclose(action, unscaled, rtol=1e-4, atol=1e-5)
    assert {name.split(".")[0] for name in loaded.weights(context)} == {"actor", "critic0", "critic1"}


@pytest.mark.usefixtures("no_telemetry")
def test_a_model_to_act_with_has_no_optimizer_and_the_same_weights(start: Start) -> None:
    run = start("hyper-a2c", steps=512)
    acting, learning = load_model(run, to_learn=False), load_model(run)
    for one, other in zip(acting.policy.parameters(), learning.policy.parameters(), strict=True):
        assert torch.equal(one, other)
    assert not acting.policy.optimizer.param_groups
    assert learning.policy.optimizer.param_groups
    observation = Family.load("ode").make_vec(3).reset(seed=0)[0]
    acted, learned = (model.predict(observation, deterministic=True)[0] for model in (acting, learning))
    np.testing.assert_array_equal(acted, learned)


RECURRENT = ("hyper-recurrent-ppo", "concat-recurrent-ppo", "blind-recurrent-ppo")


@pytest.fixture(scope="module", params=[learnable(name) for name in RECURRENT])
def recurrent(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Agent:
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


def test_acting_remembers_an_episode_and_forgets_it_at_its_end(recurrent: Agent) -> None:
    observations = np.random.default_rng(0).uniform(-1, 1, (5, 3)).astype(np.float32)
    context = recurrent.family.tasks("train")[0]
    expected = alone(recurrent, observations, context)
    for _ in range(2):
        found = [recurrent.act(each, context) for each in observations]
        np.testing.assert_allclose(found, expected, atol=1e-5)
        onward = recurrent.act(observations[0], context)
        assert not np.allclose(onward, expected[0], atol=1e-7)
        recurrent.reset()
    both = [recurrent.act(np.stack([each, each]), context) for each in observations]
    np.testing.assert_allclose([pair[1] for pair in both], expected, atol=1e-5)
    with pytest.raises(ValueError, match=r"found 1 observations after 2; allowed: as many until reset"):
        recurrent.act(observations[0], context)


def test_evaluated_episodes_are_those_of_each_by_itself(recurrent: Agent) -> None:
    tasks = recurrent.family.tasks("train")[:3]
    act = ModelPolicy(recurrent.model)
    first, again = (evaluate_tasks(act, recurrent.family, tasks, episodes=2) for _ in range(2))
    assert [each.returns for each in first] == [each.returns for each in again]
    for task, result in zip(tasks, first, strict=True):
        (found,) = evaluate_tasks(ModelPolicy(recurrent.model), recurrent.family, [task], episodes=2)
        np.testing.assert_allclose(found.returns, result.returns, rtol=1e-4)


def test_weights_that_follow_a_memory_are_no_tasks(recurrent: Agent) -> None:
    hyper = recurrent.run.spec.agent.policy.kind == "hyper"
    says = "follow what it observes, as .* holds 'memory'" if hyper else "generates no weights"
    for read in (recurrent.weights, recurrent.specialize):
        with pytest.raises(UserError, match=says):
            read(recurrent.family.tasks("train")[0])


def test_a_checkpoint_holds_the_memory(recurrent: Agent) -> None:
    memory = load_state(recurrent.run, "latest")["memory"]
    assert [tuple(part.shape) for pair in memory for part in pair] == [(1, 8, 8)] * 4
    assert bool(memory[0][0].any())
