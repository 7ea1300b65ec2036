"""n-step returns are Stable-Baselines3's, of observations with a context too."""

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3 import DQN, SAC, TD3
from stable_baselines3.common.buffers import NStepReplayBuffer
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv, VecNormalize

from hyperrl.policies import ContextReplayBuffer, HyperDQNPolicy, HyperSACPolicy, HyperTD3Policy
from hyperrl.policies.replay import end_episodes, get_state, set_state
from hyperrl.policies.task_rows import known_tasks
from hyperrl.recipes import load_agent
from hyperrl.training import BatchedVecEnv, build_model
from tests.policies.test_replay import ACTIONS, ENVS, SPACE, Stream, fill
from tests.suite import learnable
from tests.training.conftest import small

SIZE, GAMMA = 40, 0.9
BARE, ONE_CONTEXT = SPACE["obs"], spaces.Box(1.0, 1.0, (2,))
WITH_ONE = spaces.Dict(obs=BARE, context=ONE_CONTEXT)


class Walk(gym.Env[Any, Any]):
    """A random walk whose episodes end at random or after eight steps."""

    observation_space = spaces.Box(-np.inf, np.inf, (3,))

    def __init__(self, action_space: spaces.Space[Any]) -> None:
        self.action_space = action_space
        self.place, self.steps = np.zeros(3, np.float32), 0

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, Any]:
        super().reset(seed=seed)
        self.place, self.steps = self.np_random.normal(size=3).astype(np.float32), 0
        return self.place, {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, Any]:
        push = np.asarray(action, np.float32).ravel()[0] - 0.5
        self.place = (self.place + push + 0.1 * self.np_random.normal(size=3)).astype(np.float32)
        self.steps += 1
        reward = float(-0.05 * np.abs(self.place).sum())  # where a Huber loss is quadratic
        return self.place, reward, bool(self.np_random.random() < 0.1), self.steps == 8, {}


def beside_a_context(env: gym.Env[Any, Any]) -> gym.Env[Any, Any]:
    space = spaces.Dict(obs=env.observation_space, context=ONE_CONTEXT)
    context = np.ones(2, np.float32)
    return gym.wrappers.TransformObservation(env, lambda seen: {"obs": seen, "context": context}, space)


def pair(n_steps: int) -> tuple[ContextReplayBuffer, NStepReplayBuffer]:
    """Ours with one context, and Stable-Baselines3's without."""
    options: dict[str, Any] = {"device": "cpu", "n_envs": ENVS, "n_steps": n_steps, "gamma": GAMMA}
    size = SIZE * ENVS
    ours = ContextReplayBuffer(size, WITH_ONE, ACTIONS, **options)
    return ours, NStepReplayBuffer(size, BARE, ACTIONS, **options)


def filled(n_steps: int, steps: int, stream: Stream | None = None) -> Any:
    ours, theirs = pair(n_steps)
    stream = stream or Stream(tasks=1)
    stream.context[:] = 1
    stream.tasks = np.ones((1, 2), np.float32)
    for _ in range(steps):
        seen, later, *rest = stream.step()
        ours.add(seen, later, *rest)
        theirs.add(seen["obs"], later["obs"], *rest)
    return ours, theirs


def normalizing(space: spaces.Space[Any]) -> VecNormalize:
    """Statistics of the observations' part `obs` and of returns, the same for both kinds of observations."""

    class Fixed(gym.Env[Any, Any]):
        observation_space, action_space = space, ACTIONS

    keys = ["obs"] if isinstance(space, spaces.Dict) else None
    normalize = VecNormalize(DummyVecEnv([Fixed] * ENVS), norm_obs_keys=keys, clip_reward=1.5)
    statistics: Any = normalize.obs_rms["obs"] if keys else normalize.obs_rms
    statistics.mean, statistics.var = np.full(3, 0.3), np.full(3, 2.5)
    normalize.ret_rms.var = np.array(0.2)
    return normalize


@pytest.mark.parametrize("normalized", [False, True])
@pytest.mark.parametrize("steps", [1, 7, SIZE, SIZE + 1, 2 * SIZE + 17])
@pytest.mark.parametrize("n_steps", [2, 3, 7, SIZE, SIZE + 5])
def test_samples_are_sb3s_bit_for_bit(n_steps: int, steps: int, normalized: bool) -> None:
    """At every place of the write position, over ends of episodes; rewards are normalized one by one."""
    samples = []
    for buffer, space in zip(filled(n_steps, steps), (WITH_ONE, BARE), strict=True):
        np.random.seed(1)
        samples.append(buffer.sample(300, normalizing(space) if normalized else None))
    ours, theirs = samples
    for name in ("actions", "rewards", "dones", "discounts"):
        found, expected = getattr(ours, name), getattr(theirs, name)
        assert found.dtype == expected.dtype
        assert torch.equal(found, expected), name
    assert torch.equal(ours.observations["obs"], theirs.observations)
    assert torch.equal(ours.next_observations["obs"], theirs.next_observations)
    if steps > 2 * SIZE:
        assert len(theirs.discounts.unique()) > 1


def test_each_return_is_its_sum_by_hand() -> None:
    """Three steps of one environment, an episode that ends with the fourth transition, and a time limit."""
    space = spaces.Dict(obs=spaces.Box(-9, 9, (1,)), context=spaces.Box(-1, 1, (1,)))
    buffer = ContextReplayBuffer(10, space, ACTIONS, device="cpu", n_steps=3, gamma=0.5)
    for step in range(8):
        seen, later = (
            {"obs": np.full((1, 1), place, np.float32), "context": np.zeros((1, 1), np.float32)}
            for place in (step, step + 1)
        )
        ends, limit = np.array([step in (3, 5)]), {"TimeLimit.truncated": step == 5}
        buffer.add(seen, later, np.zeros((1, 2)), np.array([2.0**step]), ends, [limit])
    found = buffer._get_samples(np.arange(8))
    assert found.rewards[:, 0].tolist() == [3, 6, 8, 8, 32, 32, 128, 128]
    assert found.next_observations["obs"][:, 0].tolist() == [3, 4, 4, 4, 6, 6, 8, 8]
    assert found.dones[:, 0].tolist() == [0, 1, 1, 1, 0, 0, 0, 0]
    assert found.discounts is not None
    assert found.discounts[:, 0].tolist() == [0.125, 0.125, 0.25, 0.5, 0.25, 0.5, 0.25, 0.5]


@pytest.mark.parametrize("tasks", [3, None])
@pytest.mark.parametrize("other", [False, True])
def test_what_is_observed_n_steps_on_is_of_the_same_task(tasks: int | None, other: bool) -> None:
    buffer = ContextReplayBuffer(600, SPACE, ACTIONS, device="cpu", n_envs=ENVS, n_steps=4, gamma=GAMMA)
    stream = Stream(tasks)
    fill(250, buffer, stream=stream)
    if other:
        seen, later, *rest = stream.step()
        later["context"][1] = [0.125, -0.5]
        buffer.add(seen, later, *rest)
    drawn = buffer._get_samples(np.append(np.arange(200), np.full(200, buffer.pos - 1)))
    for observations in (drawn.observations, drawn.next_observations):
        known = known_tasks(observations)
        assert known is not None
        assert known.rows.index is not None
        assert torch.equal(known.tasks[known.rows.index], observations["context"])
    same = drawn.observations["context"] == drawn.next_observations["context"]
    changed = drawn.next_observations["context"] == torch.tensor([0.125, -0.5])
    assert bool((same | changed).all())
    assert bool(changed.all(dim=1).any()) == other


def test_a_restored_buffer_gives_the_same_returns() -> None:
    for steps in (7, 2 * SIZE + 17):
        stream = Stream(tasks=1, seed=4)
        (ours, _), (again, _) = filled(3, steps, stream), pair(3)
        set_state(again, get_state(ours))
        fill(5, ours, again, stream=stream)
        found = []
        for buffer in (ours, again):
            np.random.seed(2)
            found.append(buffer.sample(200))
        for name in ("rewards", "dones", "discounts", "actions"):
            assert torch.equal(getattr(found[0], name), getattr(found[1], name))


def test_no_return_runs_over_a_reset_in_the_middle_of_an_episode() -> None:
    ours, theirs = filled(5, SIZE // 2)
    for buffer in (ours, theirs):
        buffer.dones[:], buffer.timeouts[:] = 0, 0
    end_episodes(ours)
    fill(10, ours)
    found = ours._get_samples(np.full(50, SIZE // 2 - 2))
    torch.testing.assert_close(found.discounts, torch.full((50, 1), GAMMA**2))
    assert not found.dones.any()


def test_wrong_numbers_are_refused() -> None:
    for options, message in (
        ({"n_steps": 0}, "n_steps: found 0; allowed: at least 1"),
        ({"n_steps": 3}, "gamma: found None; allowed: the algorithm's, where n_steps is 3"),
    ):
        with pytest.raises(ValueError, match=message):
            ContextReplayBuffer(10, SPACE, ACTIONS, **options)


KINDS: dict[str, tuple[Any, Any, spaces.Space[Any]]] = {
    "sac": (SAC, HyperSACPolicy, ACTIONS),
    "td3": (TD3, HyperTD3Policy, ACTIONS),
    "dqn": (DQN, HyperDQNPolicy, spaces.Discrete(3)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_where_there_is_one_task_training_is_sb3s(kind: str) -> None:
    """The weights that it learns by its own n-step returns on the environment without a context."""
    algorithm, policy, actions = KINDS[kind]
    options: dict[str, Any] = {
        "seed": 3, "gamma": GAMMA, "learning_starts": 30, "batch_size": 16, "device": "cpu",
        "buffer_size": 60, "policy_kwargs": {"net_arch": [12, 12]},
    }  # fmt: skip

    def venv(wrapper: Any = None) -> VecEnv:
        return make_vec_env(lambda: Walk(actions), n_envs=2, seed=3, wrapper_class=wrapper)

    theirs = algorithm("MlpPolicy", venv(), n_steps=3, **options).learn(150)
    returns = {"n_steps": 3, "gamma": GAMMA}
    buffer = {"replay_buffer_class": ContextReplayBuffer, "replay_buffer_kwargs": returns}
    ours = algorithm(policy, venv(beside_a_context), **buffer, **options).learn(150)
    one_step = algorithm("MlpPolicy", venv(), **options).learn(150)
    weights, expected, others = (model.policy.state_dict() for model in (ours, theirs, one_step))
    assert weights.keys() == expected.keys()
    for name, weight in expected.items():
        assert torch.equal(weights[name], weight), name
    assert any(not torch.equal(others[name], weight) for name, weight in expected.items())


@pytest.mark.parametrize(
    ("agent", "family"),
    [
        ("hyper-sac", "ode"),
        ("concat-td3", "ode"),
        ("blind-dqn", "cartpole"),
        learnable("hyper-tqc", "ode"),
        learnable("concat-crossq", "ode"),
        learnable("hyper-qrdqn", "cartpole"),
    ],
)
@pytest.mark.filterwarnings("error:.*n_steps.*")
def test_every_agent_off_policy_learns_from_them(agent: str, family: str) -> None:
    """By the discount factor of its algorithm, and without a warning that they are ignored."""
    recipe, loaded = small(agent, family, "algorithm.n_steps=3", "algorithm.gamma=0.7")
    model: Any = build_model(recipe, BatchedVecEnv(loaded.make_vec(recipe.n_envs)), seed=5, device="cpu")
    model.learn(recipe.n_envs * 45)
    found = {round(number, 4) for number in model.replay_buffer.sample(2000).discounts.unique().tolist()}
    assert found >= {round(0.7**steps, 4) for steps in (1, 2, 3)}
    assert load_agent(agent).algorithm.n_steps == 1  # type: ignore[attr-defined]
