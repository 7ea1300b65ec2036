"""Agents that infer the context: trained, resumed, evaluated, at work."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces

from hyperrl import api
from hyperrl.errors import UserError
from hyperrl.evaluation import ModelPolicy, evaluate_tasks
from hyperrl.evaluation.agent import Agent
from hyperrl.policies.registry import view
from hyperrl.recipes import load_agent, resolve
from hyperrl.store import Run
from hyperrl.tasks import Family, TaskSampler
from hyperrl.training import load_model, resume, train
from hyperrl.training.build import build_inference
from hyperrl.training.checkpoint import load_state
from hyperrl.training.inference import InferringVecEnv
from tests.suite import learnable
from tests.training.conftest import Start, small
from tests.training.states import same

INFERENCE = "policy.inference={window: 4, latent: 3, hidden: [8]}"


@pytest.fixture
def begin(start: Start) -> Callable[..., Run]:
    def train(agent: str = "hyper-sac-inferred", family: str = "ode", *overrides: str, **options: Any) -> Run:
        return start(agent, family, INFERENCE, *overrides, **{"steps": 512, **options})

    return train


def environments(count: int = 3) -> InferringVecEnv:
    agent, family = small("hyper-sac-inferred", "ode", INFERENCE)
    inference = build_inference(agent, family.observation_space, family.action_space, seed=0)
    assert inference is not None
    batch = family.make_vec(count, sampler=TaskSampler(family.tasks("train"), seed=1))
    env = InferringVecEnv(batch, inference)
    env.seed(0)
    return env


def test_environments_show_latents_that_begin_anew_with_each_episode() -> None:
    env, rng = environments(), np.random.default_rng(0)
    first: Any = env.reset()
    assert first["context"].shape == (3, 3)
    assert (first["context"] == first["context"][0]).all()
    space: Any = env.action_space
    for step in range(1, 90):
        before = env.windows.rows.copy()
        seen, _, dones, infos = env.step(rng.uniform(-1, 1, (3, *space.shape)).astype(np.float32))
        assert isinstance(seen, dict)
        assert dones.tolist() == [step % 40 == 0] * 3
        if not dones[0]:
            np.testing.assert_array_equal(env.windows.rows[:, :-1], before[:, 1:])
            assert not np.allclose(seen["context"], first["context"], atol=1e-6)
            continue
        # statistics go on, and with them the latents
        np.testing.assert_allclose(seen["context"], env.inference.latents(np.zeros_like(before)), atol=1e-6)
        for info in infos:
            assert info["terminal_observation"]["context"].shape == (3,)
            assert not np.allclose(info["terminal_observation"]["context"], seen["context"][0], atol=1e-6)


def test_environments_go_on_where_they_were() -> None:
    env, other, rng = environments(), environments(), np.random.default_rng(0)
    env.reset()
    other.reset()
    actions = rng.uniform(-1, 1, (60, 3, 2)).astype(np.float32)
    for action in actions[:10]:
        env.step(action)
    other.set_state(env.get_state())  # type: ignore[arg-type]
    other.inference.load_state_dict(env.inference.state_dict())
    for action in actions[10:]:
        one, two = env.step(action), other.step(action)
        same(one[0], two[0])


@pytest.mark.usefixtures("nothing_but_training")
@pytest.mark.parametrize(
    ("agent", "family"),
    [
        ("hyper-sac-inferred", "ode"),
        ("concat-sac-inferred", "point-reach"),
        ("hyper-td3", "pendulum"),
        ("hyper-dqn", "cartpole"),
        ("concat-td3", "double-integrator"),
        learnable("hyper-tqc", "pendulum"),
        learnable("hyper-crossq", "pendulum"),
        learnable("hyper-qrdqn", "cartpole"),
    ],
)
def test_every_off_policy_algorithm_learns_and_resumes_bit_for_bit(
    begin: Callable[..., Run], agent: str, family: str
) -> None:
    whole = begin(agent, family, "normalize=true", steps=1024)
    half = begin(agent, family, "normalize=true", steps=512, name="half")
    resume(half, steps=1024)
    one, two = load_state(whole, "latest"), load_state(half, "latest")
    same(one["policy"], two["policy"])
    same(one["optimizers"], two["optimizers"])
    assert "inference" in one["optimizers"]
    names = [name for name in one["policy"] if name.startswith("inference.")]
    assert len(names) > 8
    assert float(one["policy"]["inference.scales.count"]) > 1000


@pytest.mark.usefixtures("nothing_but_training")
def test_the_context_is_hidden(begin: Callable[..., Run]) -> None:
    run = begin()
    family = Family(run.spec.family)
    agent = Agent(run, family, load_model(run, "latest"))
    observation = family.observation_space["obs"].sample()  # type: ignore[index]
    one, other = family.tasks("train")[0], family.tasks("train")[-1]
    action = agent.act(observation, one)
    agent.reset()
    np.testing.assert_array_equal(agent.act(observation, other), action)
    assert not np.array_equal(agent.act(observation + 1, one), agent.act(observation + 1, one))
    with pytest.raises(ValueError, match=r"found 2 observations after 1; allowed: as many until reset"):
        agent.act(np.stack([observation] * 2), one)


@pytest.mark.usefixtures("nothing_but_training")
def test_evaluated_episodes_are_those_of_each_by_itself(begin: Callable[..., Run]) -> None:
    run = begin("hyper-sac-inferred", "pendulum-actuator")
    family, model = Family(run.spec.family), load_model(run, "latest", to_learn=False)
    tasks = family.tasks("train")[:3]
    act = ModelPolicy(model)
    first, again = (evaluate_tasks(act, family, tasks, episodes=2) for _ in range(2))
    assert [each.returns for each in first] == [each.returns for each in again]
    for task, result in zip(tasks, first, strict=True):
        (found,) = evaluate_tasks(ModelPolicy(model), family, [task], episodes=2)
        np.testing.assert_allclose(found.returns, result.returns, rtol=1e-3)


@pytest.mark.usefixtures("nothing_but_training")
def test_weights_are_not_cached(begin: Callable[..., Run], monkeypatch: pytest.MonkeyPatch) -> None:
    """Every observation has another latent, so that each cached weight would be of no further use."""
    run = begin()
    model = load_model(run, "latest", to_learn=False)
    monkeypatch.setattr("hyperrl.policies.weight_cache.WeightCache.of", None)
    family = Family(run.spec.family)
    evaluate_tasks(ModelPolicy(model), family, family.tasks("train")[:2], episodes=1)


@pytest.mark.usefixtures("nothing_but_training")
@pytest.mark.parametrize(
    ("agent", "says"),
    [("hyper-sac-inferred", "as policy.inference infers contexts"), ("concat-sac-inferred", "generates no")],
)
def test_no_task_has_weights_of_its_own(begin: Callable[..., Run], agent: str, says: str) -> None:
    run = begin(agent)
    loaded = api.load(run.path)
    for read in (loaded.weights, loaded.specialize):
        with pytest.raises(UserError, match=says):
            read({"c0": 5.0})
    for write in (lambda: api.specialize(run.path, {"c0": 5.0}), lambda: api.export(run.path)):
        with pytest.raises(
            UserError, match="remembers what it saw; only agents without a memory are exported"
        ):
            write()
    assert not [*run.path.glob("specialists/*"), *run.path.glob("*.onnx")]


def test_observations_that_are_no_numbers_are_refused() -> None:
    agent, family = load_agent("hyper-dqn"), Family.load("cartpole")
    recipe = resolve(agent, family.recipe, [INFERENCE])
    parts = spaces.Dict({**family.observation_space.spaces, "kind": spaces.Discrete(3)})  # type: ignore[attr-defined]
    says = r"agent 'hyper-dqn': policy.inference: found observations 'kind' of Discrete\(3\); allowed: Boxes"
    with pytest.raises(UserError, match=says):
        build_inference(recipe, parts, family.action_space)


@pytest.mark.usefixtures("no_telemetry")
def test_the_error_of_the_forward_model_falls(tmp_path: Path) -> None:
    agent, family = small(
        "hyper-sac-inferred",
        "ode",
        INFERENCE,
        "algorithm.gradient_steps=8",
        "policy.inference.learning_rate=1e-2",
    )
    run = train(agent, family, out=tmp_path / "run", steps=3000)
    rows = [line.split(",") for line in (run.path / "progress.csv").read_text().splitlines()]
    losses = [float(row[rows[0].index("train/forward_loss")]) for row in rows[1:]]
    assert losses[-1] < 0.5 * losses[0]
    model = load_model(run, "latest")
    optimizer = view(model).inference.optimizer  # type: ignore[union-attr]
    assert isinstance(optimizer, torch.optim.Adam)
