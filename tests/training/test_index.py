"""Training by an index: one for each episode, and runs that go on bit for bit."""

from typing import Any

import numpy as np
import pytest
import torch

from hyperrl.config import HypernetworkConfig
from hyperrl.evaluation import ModelPolicy
from hyperrl.evaluation.agent import Agent
from hyperrl.policies.registry import view
from hyperrl.tasks import Family, TaskSampler
from hyperrl.training import load_model, resume
from hyperrl.training.checkpoint import load_state
from hyperrl.training.index import IndexedVecEnv
from tests.policies.test_indexed_networks import indexed
from tests.suite import family_for, learnable
from tests.training.conftest import Start, short_episodes

NOISE = "policy.hypernetwork.inputs=[context, noise]"
INDEX = "policy.hypernetwork.index="
ENVS, DIM = 3, 2


def env(seed: int = 0) -> IndexedVecEnv:
    family = short_episodes(Family.load("cartpole"), 12)
    sampler = TaskSampler(family.tasks("train"), "uniform", 0)
    config = HypernetworkConfig(inputs=("noise",), noise_dim=DIM)
    return IndexedVecEnv(family.make_vec(ENVS, sampler=sampler), (), None, config, seed)


def test_an_index_stays_for_an_episode_its_last_observation_too() -> None:
    made = env()
    made.seed(0)
    observed: Any = made.reset()
    for _ in range(40):
        before = observed["index"].copy()
        observed, _, dones, infos = made.step(np.zeros(ENVS, np.int64))
        for number in range(ENVS):
            same = np.array_equal(before[number], observed["index"][number])
            assert same != dones[number]
            if dones[number]:
                assert np.array_equal(infos[number]["terminal_observation"]["index"], before[number])
    assert "index" not in made.observation_space.spaces  # type: ignore[attr-defined]


def test_environments_go_on_from_their_state() -> None:
    one, other = env(), env(seed=5)
    for each in (one, other):
        each.seed(1)
        each.reset()
    state = one.get_state()
    assert state is not None
    other.set_state(state)
    for _ in range(30):
        found: Any = [each.step(np.ones(ENVS, np.int64))[0] for each in (one, other)]
        assert np.array_equal(found[0]["index"], found[1]["index"])


@pytest.mark.parametrize(
    ("agent", "family", "index"),
    [
        ("hyper-dqn", "cartpole", "{kind: sphere, prior_scale: 2, target_noise: 0.1, samples: 2}"),
        ("hyper-dqn", "cartpole", "{kind: members, prior_scale: 2, target_noise: 0.1}"),
        ("hyper-dqn", "cartpole", "{act: vote, prior_scale: 2}"),
        ("hyper-sac", "ode", "{prior_scale: 2, target_noise: 0.1}"),
        ("hyper-td3", "ode", "{act: mean}"),
    ],
)
@pytest.mark.usefixtures("nothing_but_training")
def test_an_interrupted_training_goes_on_as_if_it_had_not_stopped(
    start: Start, agent: str, family: str, index: str
) -> None:
    fields = (NOISE, INDEX + index)
    whole = start(agent, family, *fields, name="whole", steps=1536)
    interrupted = start(agent, family, *fields, name="interrupted", steps=1536, killed_at=1200)
    assert interrupted.state == "interrupted"
    again = resume(interrupted)
    expected, found = (load_state(run, "latest")["policy"] for run in (whole, again))
    assert {key: weight.tolist() for key, weight in found.items()} == {
        key: weight.tolist() for key, weight in expected.items()
    }


OFF_POLICY = [learnable(f"hyper-{name}") for name in ("sac", "td3", "tqc", "crossq", "dqn", "qrdqn")]


@pytest.mark.parametrize("agent", OFF_POLICY)
@pytest.mark.usefixtures("nothing_but_training")
def test_every_off_policy_algorithm_learns_by_an_index(start: Start, agent: str) -> None:
    run = start(agent, family_for(agent, "pendulum"), NOISE, f"{INDEX}{{prior_scale: 2}}", steps=512)
    model, family = load_model(run, to_learn=False), Family(run.spec.family)
    contexts, space = family.tasks("train")[:3], family.observation_space
    obs = np.zeros((3, *space["obs"].shape), np.float32)  # type: ignore[index]
    batch: dict[str, Any] = {"obs": obs, "context": family.space.descriptors(contexts)}
    acted, one = ModelPolicy(model)(batch), Agent(run, family, model)
    for number, context in enumerate(contexts):
        np.testing.assert_allclose(one.act(obs[0], context), acted[number], rtol=1e-4, atol=1e-5)
    of: Any = view(model)
    outputs = of.act_outputs_by_index(of.policy.obs_to_tensor(batch)[0], of.draw_indices(4))
    assert outputs.isfinite().all()
    assert (outputs.std(dim=0) > 0).any()


def test_the_index_of_environments_goes_behind_the_context() -> None:
    policy: Any = indexed("gaussian").policy
    observation = {
        "obs": np.zeros((2, 4), np.float32),
        "context": np.ones((2, 2), np.float32),
        "index": np.full((2, 3), 5.0, np.float32),
    }
    tensors, vectorized = policy.obs_to_tensor(observation)
    assert vectorized
    assert torch.equal(tensors["context"], torch.tensor([[1.0, 1, 5, 5, 5]] * 2))
    assert policy.is_vectorized_observation(observation)
    single, vectorized = policy.obs_to_tensor({name: part[0] for name, part in observation.items()})
    assert not vectorized
    assert torch.equal(single["context"], tensors["context"][:1])
