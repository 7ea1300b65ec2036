"""Normalized training: Stable-Baselines3's numbers, runs that go on, agents that act on raw observations."""

import re
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3 import PPO, SAC
from stable_baselines3.common.vec_env import VecEnvWrapper, VecNormalize

from hyperrl import contextualize
from hyperrl.errors import DivergenceError, UserError
from hyperrl.evaluation import ModelPolicy
from hyperrl.evaluation.agent import Agent
from hyperrl.policies.normalization import Normalization, normalization_of
from hyperrl.recipes import Normalize, load_agent, resolve
from hyperrl.tasks import Family, TaskSampler
from hyperrl.training import BatchedVecEnv, build_model, load_model, resume, train
from hyperrl.training.build import bare_model
from hyperrl.training.checkpoint import load_state
from hyperrl.training.normalization import NormalizedVecEnv
from hyperrl.training.policy_arguments import policy_kwargs
from tests.suite import learnable
from tests.training.conftest import COMMON, SMALL, Start, short_episodes, small
from tests.training.states import same, scramble

ON = "normalize=true"


def batched(family: Family, n_envs: int) -> BatchedVecEnv:
    return BatchedVecEnv(family.make_vec(n_envs, sampler=TaskSampler(family.tasks("train"), "uniform", 0)))


def normalized_env(family: Family, n_envs: int, settings: Normalize, gamma: float) -> NormalizedVecEnv:
    return NormalizedVecEnv(batched(family, n_envs), Normalization(settings, family.observation_space), gamma)


class WithoutContext(VecEnvWrapper):
    """The family's environments with the observation alone, as an environment without a context has it."""

    def __init__(self, venv: BatchedVecEnv) -> None:
        space: Any = venv.observation_space
        super().__init__(venv, observation_space=space["obs"])

    def reset(self) -> Any:
        return self.venv.reset()["obs"]  # type: ignore[call-overload]

    def step_wait(self) -> Any:
        observation, rewards, dones, infos = self.venv.step_wait()
        for index in np.flatnonzero(dones):
            infos[index]["terminal_observation"] = infos[index]["terminal_observation"]["obs"]
        return observation["obs"], rewards, dones, infos  # type: ignore[call-overload]


@pytest.mark.parametrize("kind", ["ppo", "sac"])
@pytest.mark.parametrize(
    "settings", [{}, {"norm_reward": False, "clip_obs": 1.0}, {"norm_obs": False, "clip_reward": 0.5}]
)
def test_training_is_that_of_sb3s_wrapper_around_sb3s_algorithm(kind: str, settings: dict[str, Any]) -> None:
    """On observations without a context: statistics, normalized rewards and weights, bit for bit."""
    recipe, family = small(f"blind-{kind}", "pendulum", f"normalize={settings}")
    normalized = normalized_env(family, 8, recipe.normalize, recipe.algorithm.gamma)
    ours: Any = build_model(recipe, normalized, seed=3).learn(1024)
    arguments = recipe.algorithm.model_dump(exclude={"name", "her"})
    own = ("features_extractor_class", "critic_lr_scale")
    kwargs = {key: value for key, value in policy_kwargs(recipe).items() if key not in own}
    theirs_env = VecNormalize(WithoutContext(batched(family, 8)), gamma=recipe.algorithm.gamma, **settings)
    algorithm: Any = {"ppo": PPO, "sac": SAC}[kind]
    theirs = algorithm("MlpPolicy", theirs_env, seed=3, device="cpu", policy_kwargs=kwargs, **arguments)
    theirs.learn(1024)
    if settings.get("norm_obs", True):
        pairs: list[tuple[Any, Any]] = [(normalized.obs_rms["obs"], theirs_env.obs_rms)]
        assert pairs[0][0].count > 1000
    else:
        pairs = []
        assert not normalized.obs_rms
    if settings.get("norm_reward", True):
        pairs.append((normalized.ret_rms, theirs_env.ret_rms))
    for one, other in pairs:
        for name in ("mean", "var", "count"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    buffers = [model.rollout_buffer if kind == "ppo" else model.replay_buffer for model in (ours, theirs)]
    np.testing.assert_array_equal(buffers[0].rewards, buffers[1].rewards)
    np.testing.assert_array_equal(buffers[0].observations["obs"], buffers[1].observations)
    expected, found = theirs.policy.state_dict(), ours.policy.state_dict()
    assert expected.keys() == {name for name in found if not name.startswith("normalization.")}
    for name, tensor in expected.items():
        assert torch.equal(found[name], tensor), name


@pytest.mark.parametrize("settings", [{}, {"clip_obs": 0.5, "clip_reward": 0.2, "epsilon": 0.1}])
def test_it_steps_as_sb3s_wrapper_does(settings: dict[str, Any]) -> None:
    """Around environments with a context, which is left as it is; episodes' returns are raw."""
    family = short_episodes(Family.load("cartpole"))
    ours = normalized_env(family, 5, Normalize(**settings), 0.9)
    theirs = VecNormalize(batched(family, 5), gamma=0.9, norm_obs_keys=["obs"], **settings)
    bare, random, finished = batched(family, 5), np.random.default_rng(0), 0
    for env in (ours, theirs, bare):
        env.seed(0)
    equal(ours.reset(), theirs.reset())
    bare.reset()
    for _ in range(200):
        actions = random.integers(2, size=5)
        one, two, raw = ours.step(actions), theirs.step(actions), bare.step(actions)
        equal(one[0], two[0])
        equal(ours.get_original_obs(), raw[0])
        np.testing.assert_array_equal(one[0]["context"], raw[0]["context"])  # type: ignore[call-overload]
        np.testing.assert_array_equal(one[1], two[1])
        np.testing.assert_array_equal(ours.get_original_reward(), raw[1])
        assert one[1].dtype == np.float32
        for index in np.flatnonzero(one[2]):
            finished += 1
            equal(one[3][index]["terminal_observation"], two[3][index]["terminal_observation"])
            assert one[3][index]["episode"] == raw[3][index]["episode"]
    assert finished > 10


def equal(one: Any, other: Any) -> None:
    assert one.keys() == other.keys()
    for name, part in one.items():
        assert part.dtype == other[name].dtype
        np.testing.assert_array_equal(part, other[name], err_msg=name)


@pytest.mark.usefixtures("nothing_but_training")
@pytest.mark.parametrize(
    ("agent", "family", "overrides"),
    [
        ("hyper-ppo", "pendulum", (ON,)),
        ("concat-ppo", "cartpole", (ON,)),
        ("hyper-sac", "pendulum", (ON,)),
        ("blind-td3", "pendulum", ("normalize={norm_reward: false}",)),
        ("hyper-dqn", "cartpole", ("normalize={norm_obs: false}",)),
        ("hyper-sac", "pendulum", (ON, "algorithm.n_steps=3", "policy.hypernetwork={context_dropout: 0.3}")),
        ("hyper-sac", "point-reach", (ON, "algorithm.her={n_sampled_goal: 2}")),
        ("concat-a2c", "cartpole", (ON, "frame_stack=2")),
        learnable("hyper-recurrent-ppo", "ode", (ON,)),
    ],
)
def test_a_killed_run_ends_as_one_never_killed(
    start: Start, agent: str, family: str, overrides: tuple[str, ...]
) -> None:
    overrides = ("checkpoint_every=512", *overrides)
    straight = start(agent, family, *overrides, name="straight")
    killed = start(agent, family, *overrides, name="killed", killed_at=700)
    assert killed.status.steps == 512
    scramble()
    resume(killed)
    ended = load_state(killed, "latest")
    assert any(name.startswith("normalization.") for name in ended["policy"])
    same(ended, load_state(straight, "latest"))


@pytest.mark.usefixtures("nothing_but_training")
@pytest.mark.parametrize("agent", ["hyper-ppo", "hyper-sac"])
def test_statistics_go_on_where_environments_cannot(start: Start, agent: str) -> None:
    """Environments that offer no state are reset; what the agent knows of observations and returns stays."""
    family = "acrobot" if agent == "hyper-ppo" else "mountaincar"
    killed = start(agent, family, ON, "checkpoint_every=512", killed_at=700)
    before = load_state(killed, "latest")["policy"]
    assert float(before["normalization.parts.obs.count"]) == pytest.approx(512 + 8, abs=1e-3)
    resume(killed)
    after = load_state(killed, "latest")["policy"]
    assert not killed.status.resumed[-1].exact
    assert float(after["normalization.parts.obs.count"]) == pytest.approx(1024 + 8, abs=1e-3)
    assert float(after["normalization.returns.count"]) == pytest.approx(1024, abs=1e-3)


@pytest.mark.usefixtures("nothing_but_training")
def test_a_run_takes_the_statistics_of_the_one_it_starts_from(start: Start, tmp_path: Path) -> None:
    first = start("hyper-ppo", "pendulum", ON, name="first")
    second = start("hyper-ppo", "pendulum", ON, name="second", from_run=first, killed_at=1)
    origin = load_state(first, "latest")["policy"]
    same(load_state(second, "0")["policy"], origin)
    begun = load_state(second, "latest")["policy"]
    added = begun["normalization.parts.obs.count"] - origin["normalization.parts.obs.count"]
    assert float(added) == 8  # the first observations
    with pytest.raises(
        UserError, match=r"weights 'normalization\.parts\.obs\.count': found nothing, expected "
    ):
        start("hyper-ppo", "pendulum", ON, name="third", from_run=start("hyper-ppo", "pendulum", name="bare"))


@pytest.mark.usefixtures("nothing_but_training")
@pytest.mark.parametrize("agent", ["hyper-ppo", "concat-sac", "hyper-dqn"])
def test_an_agent_acts_on_raw_observations_as_in_training(start: Start, agent: str) -> None:
    run = start(agent, "cartpole" if "dqn" in agent else "pendulum", ON)
    family = Family(run.spec.family)
    model: Any = load_model(run, "latest", family=family)
    normalization = normalization_of(model.policy)
    assert normalization is not None
    assert float(normalization.parts["obs"].var.max()) > 0.5
    space: Any = family.observation_space
    seen = np.random.default_rng(0).normal(0, 3, (50, *space["obs"].shape)).astype(np.float32)
    context = np.repeat(family.space.descriptors([{}]), 50, axis=0)
    raw = {"obs": seen, "context": context}
    expected, _ = model.predict(normalization.normalize(raw), deterministic=True)
    np.testing.assert_allclose(ModelPolicy(model)(raw), expected, rtol=1e-5, atol=1e-6)
    found = Agent(run, family, model)
    np.testing.assert_allclose(found.act(seen, {}), expected, rtol=1e-5, atol=1e-6)
    assert not np.allclose(model.predict(raw, deterministic=True)[0], expected)
    if agent == "hyper-ppo":
        outputs = found.specialize({})(torch.as_tensor(seen)).detach().numpy()
        box: Any = family.action_space
        np.testing.assert_allclose(outputs.clip(box.low, box.high), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.usefixtures("nothing_but_training")
def test_a_loaded_model_learns_on_with_its_statistics(start: Start) -> None:
    run = start("hyper-ppo", "pendulum", ON)
    family = Family(run.spec.family)
    model: Any = load_model(run, "latest", family=family)
    normalization = normalization_of(model.policy)
    assert normalization is not None
    before = float(normalization.parts["obs"].count)
    model.set_env(NormalizedVecEnv(batched(family, 8), normalization, model.gamma))
    model.learn(512)
    assert float(normalization.parts["obs"].count) == before + 8 + 512


class Wild(gym.Env[Any, Any]):
    """From the fifth step on, what tasks of a high gain say of `what` is `value`; other tasks stay sane."""

    observation_space = spaces.Box(-np.inf, np.inf, (2,), np.float32)
    action_space = spaces.Discrete(2)
    what, value, last = "observations", np.nan, 10**9

    def __init__(self) -> None:
        self.gain, self.steps = 1.0, 0

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.steps = 0
        return np.zeros(2, np.float32), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.steps += 1
        wild = self.gain > 1.2 and self.steps >= 5
        seen = self.np_random.normal(0, 1, 2).astype(np.float32)
        if wild and self.what == "observations":
            seen[1] = self.value
        reward = self.value if wild and self.what == "rewards" else 1.0
        return seen, float(reward), self.steps == self.last, False, {}


@pytest.mark.usefixtures("nothing_but_training")
@pytest.mark.parametrize(
    ("agent", "what", "value", "last"),
    [
        ("hyper-ppo", "observations", np.nan, 10**9),
        ("hyper-ppo", "observations", np.inf, 10**9),
        ("hyper-ppo", "rewards", np.inf, 10**9),
        ("hyper-ppo", "rewards", -np.inf, 5),
        ("concat-dqn", "observations", np.inf, 10**9),
        ("concat-dqn", "observations", np.inf, 5),
        ("concat-dqn", "rewards", np.inf, 10**9),
    ],
)
def test_the_task_whose_numbers_are_not_finite_is_named(
    tmp_path: Path, agent: str, what: str, value: float, last: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One environment's number spoils neither the statistics nor the numbers of the others."""
    for name, chosen in {"what": what, "value": value, "last": last}.items():
        monkeypatch.setattr(Wild, name, chosen)
    family = contextualize(Wild, {"gain": {"train": [0.5, 1.5]}}, max_steps=20)
    settings = (*SMALL[load_agent(agent).algorithm.name], *COMMON, ON)
    recipe = resolve(load_agent(agent), family.recipe, settings)
    message = rf"{what} are not finite after (\d+) steps of training in task gain=(\S+);"
    with pytest.raises(DivergenceError, match=message) as ended:
        train(recipe, family, out=tmp_path / "run", steps=2048)
    found = re.search(message, str(ended.value))
    assert found is not None
    assert float(found[2]) > 1.2
    if agent == "concat-dqn":
        assert int(found[1]) == 5 * 8


@pytest.mark.parametrize("agent", ["hyper-ppo", "hyper-sac"])
def test_parts_of_every_kind(agent: str, tmp_path: Path) -> None:
    """Images that are transposed, choices and vectors in one observation."""
    seen = spaces.Dict(
        place=spaces.Box(-2, 2, (4,), np.float64),
        image=spaces.Box(0, 255, (36, 36, 1), np.uint8),
        tile=spaces.Discrete(3, start=1),
    )

    class Mixed(gym.Env[Any, Any]):
        observation_space = seen
        action_space = spaces.Box(-1, 1, (2,), np.float32)

        def __init__(self) -> None:
            self.gain, self.steps = 1.0, 0

        def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
            super().reset(seed=seed)
            self.steps = 0
            return self.observation_space.sample(), {}

        def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
            self.steps += 1
            return self.observation_space.sample(), self.gain, self.steps == 7, False, {}

    family = contextualize(Mixed, {"gain": {"train": [0.5, 1.5]}}, max_steps=10)
    settings = (*SMALL[load_agent(agent).algorithm.name], *COMMON, ON, "n_envs=2")
    recipe = resolve(load_agent(agent), family.recipe, settings)
    env = normalized_env(family, 2, recipe.normalize, 0.99)
    model: Any = build_model(recipe, env, seed=0)
    model.learn(300 if agent == "hyper-sac" else 128)
    normalization = normalization_of(model.policy)
    assert normalization is not None
    assert list(normalization.parts) == ["place"]
    buffer = model.replay_buffer if agent == "hyper-sac" else model.rollout_buffer
    assert buffer.observations["image"].max() > 1
    assert buffer.observations["image"].shape[-3:] == (1, 36, 36)
    assert model.env is env


@pytest.mark.parametrize("agent", ["hyper-ppo", "concat-ppo"])
def test_an_agent_without_it_has_nothing_of_it(agent: str) -> None:
    recipe, family = small(agent, "pendulum")
    model = bare_model(recipe, family.observation_space, family.action_space)
    assert normalization_of(model.policy) is None
    assert not [name for name in model.policy.state_dict() if "normalization" in name]


def test_nothing_to_normalize_is_refused_and_rewards_alone_are_not() -> None:
    class Image(gym.Env[Any, Any]):
        observation_space = spaces.Box(0, 255, (36, 36, 1), np.uint8)
        action_space = spaces.Discrete(2)
        gain = 1.0

    family = contextualize(Image, {"gain": {"train": [0.5, 1.5]}}, max_steps=10)
    spaces_of_family = family.observation_space, family.action_space
    alone = resolve(load_agent("hyper-ppo"), family.recipe, ["normalize={norm_reward: false}"])
    with pytest.raises(
        UserError, match=r"^agent 'hyper-ppo': normalize.norm_obs: found true, with norm_reward "
    ):
        bare_model(alone, *spaces_of_family)
    with_rewards = resolve(load_agent("hyper-ppo"), family.recipe, [ON])
    normalization = normalization_of(bare_model(with_rewards, *spaces_of_family).policy)
    assert normalization is not None
    assert not dict(normalization.parts)


def test_a_model_is_not_built_on_environments_that_do_not_normalize() -> None:
    recipe, family = small("hyper-ppo", "pendulum", ON)
    with pytest.raises(ValueError, match="allowed: a NormalizedVecEnv"):
        build_model(recipe, batched(family, 8), seed=0)
