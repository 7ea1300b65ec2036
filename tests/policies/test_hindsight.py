"""Goals are relabeled as Stable-Baselines3 does it, contexts with them; rewards are of the task played."""

import copy
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3 import SAC, TD3, HerReplayBuffer
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv, VecNormalize

from hyperrl.policies import HyperSACPolicy, HyperTD3Policy
from hyperrl.policies.hindsight import GOAL_SELECTION_STRATEGIES, HindsightReplayBuffer
from hyperrl.policies.replay import get_state, set_state
from hyperrl.policies.task_rows import known_tasks
from hyperrl.recipes import parse_family
from hyperrl.tasks import Family
from hyperrl.tasks.goals import Goals
from tests.suite import needs

ENVS, SIZE = 3, 50
ACTIONS = spaces.Box(-1, 1, (2,))
FAMILY = Family.load("point-reach")
SPACE: Any = FAMILY.observation_space
KEYS = ("observation", "achieved_goal", "desired_goal")
WITHOUT = spaces.Dict({key: SPACE[key] for key in KEYS})


def family(**features: Any) -> Family:
    data = {"name": "x", "about": "", "base": "hyperrl-base/point-reach-v0", "features": features}
    return Family(parse_family(data, "x"))


TOLERANT = family(tolerance={"about": "", "default": 0.1, "train": [0.05, 2.0]})


class Stream:
    """Transitions near the origin, where many a goal is achieved, in episodes whose tasks differ."""

    def __init__(self, loaded: Family = FAMILY, seed: int = 0, tasks: int = 1) -> None:
        self.random, self.family = np.random.default_rng(seed), loaded
        self.tasks = [loaded.space.default, *loaded.tasks("train")][:tasks]
        self.playing = [self.task() for _ in range(ENVS)]

    def task(self) -> Any:
        return self.tasks[self.random.integers(len(self.tasks))]

    def seen(self) -> dict[str, Any]:
        drawn: dict[str, Any] = {
            key: self.random.uniform(-0.2, 0.2, (ENVS, *SPACE[key].shape)).astype(np.float32) for key in KEYS
        }
        return {**drawn, "context": self.family.space.descriptors(self.playing)}

    def step(self) -> tuple[Any, ...]:
        seen, later = self.seen(), self.seen()
        done = self.random.random(ENVS) < 0.2
        infos: list[dict[str, Any]] = [{} for _ in range(ENVS)]
        for env in np.flatnonzero(done):
            limit = bool(self.random.random() < 0.5)
            infos[env] = {"context": dict(self.playing[env].raw), "TimeLimit.truncated": limit}
            self.playing[env] = self.task()
        return seen, later, self.random.uniform(-1, 1, (ENVS, 2)), self.random.random(ENVS), done, infos


def buffer(loaded: Family = FAMILY, goals: Goals | None = None, **options: Any) -> HindsightReplayBuffer:
    space: Any = loaded.observation_space
    arguments: dict[str, Any] = {"device": "cpu", "n_envs": ENVS, "goals": goals or Goals(loaded)}
    return HindsightReplayBuffer(SIZE * ENVS, space, ACTIONS, **arguments, **options)


def fill(steps: int, *each: Any, stream: Stream) -> None:
    for _ in range(steps):
        transition = stream.step()
        for one in each:
            one.add(*copy.deepcopy(transition))


def drawn(one: Any, count: int = 200, seed: int = 0, env: Any = None) -> Any:
    np.random.seed(seed)
    return one.sample(count, env)


def normalizing(space: Any) -> VecNormalize:
    class Fixed(gym.Env[Any, Any]):
        observation_space, action_space = space, ACTIONS

    normalize = VecNormalize(DummyVecEnv([Fixed] * ENVS), norm_obs_keys=list(KEYS), clip_reward=0.8)
    statistics: Any = normalize.obs_rms
    for index, key in enumerate(KEYS):
        statistics[key].mean += 0.1 * index
    normalize.ret_rms.var = np.array(0.5)
    return normalize


@pytest.mark.parametrize("normalized", [False, True])
@pytest.mark.parametrize("steps", [40, SIZE, SIZE + 3, 3 * SIZE + 17])
@pytest.mark.parametrize("strategy", GOAL_SELECTION_STRATEGIES)
def test_samples_are_sb3s_bit_for_bit(strategy: str, steps: int, normalized: bool) -> None:
    """Goals, rewards, ends and rows, beside an environment without a context."""
    venv = make_vec_env("hyperrl-base/point-reach-v0", n_envs=ENVS)
    options: dict[str, Any] = {"n_sampled_goal": 3, "goal_selection_strategy": strategy}
    theirs = HerReplayBuffer(SIZE * ENVS, WITHOUT, ACTIONS, venv, device="cpu", n_envs=ENVS, **options)
    ours, stream = buffer(**options), Stream()
    for _ in range(steps):
        seen, later, *rest = stream.step()
        ours.add(*copy.deepcopy((seen, later, *rest)))
        for observation in (seen, later):
            del observation["context"]
        theirs.add(seen, later, *rest)
    env, other = (normalizing(space) if normalized else None for space in (SPACE, WITHOUT))
    found, expected = drawn(ours, env=env), drawn(theirs, env=other)
    for name in ("rewards", "dones", "actions"):
        assert getattr(found, name).dtype == getattr(expected, name).dtype
        assert torch.equal(getattr(found, name), getattr(expected, name)), name
    for name in ("observations", "next_observations"):
        for key, part in getattr(expected, name).items():
            assert torch.equal(getattr(found, name)[key], part), (name, key)
    relabeled = found.rewards[-150:]
    assert len(relabeled.unique()) == 2
    known = known_tasks(found.observations)
    assert known is not None
    assert known.rows.index is not None
    assert torch.equal(known.tasks[known.rows.index], found.observations["context"])


def test_rewards_are_those_of_the_task_that_an_episode_played() -> None:
    """Whose tolerance decides; networks do not see it where it is hidden from them."""
    stream = Stream(TOLERANT, tasks=20)
    ours = buffer(TOLERANT)
    for step in range(4 * SIZE):
        transition = copy.deepcopy(stream.step())
        if step % 2:
            for observation in transition[:2]:
                observation["context"][:] = np.nan
        ours.add(*transition)
    found = drawn(ours, 1000)
    first = 200
    away = found.next_observations["achieved_goal"] - found.next_observations["desired_goal"]
    distance = away[first:].double().norm(dim=1)
    context = found.observations["context"][first:, 0].double()
    low, high = 0.05, 2.0
    shown = ~context.isnan()
    expected = -(distance > low + (context + 1) / 2 * (high - low)).float()
    assert torch.equal(found.rewards[first:, 0][shown], expected[shown])
    assert bool((found.rewards[first:, 0][~shown] == 0).any())
    assert bool((found.rewards[first:, 0][~shown] == -1).any())
    assert len(context[shown].unique()) > 10
    known = known_tasks(found.observations)
    assert known is not None
    assert known.rows.index is not None
    torch.testing.assert_close(
        known.tasks[known.rows.index], found.observations["context"], equal_nan=True, rtol=0, atol=0
    )


class CarriedGoals(Goals):
    """Features of a family in the place of those that carry its goal."""

    def __init__(self, loaded: Family, features: tuple[str, ...]) -> None:
        super().__init__(loaded)
        self.features = features
        self._columns = [loaded.space.names.index(name) for name in features]
        self._defaults = loaded.space.values([loaded.space.default])[0, self._columns]


def test_features_that_carry_the_goal_follow_it() -> None:
    """Observation and next observation, in relabeled transitions alone; what is hidden stays hidden."""
    features: dict[str, Any] = {
        name: {"about": "", "default": 0.5, "train": [0.25, 1.25]} for name in ("mass", "tolerance")
    }
    loaded = family(**features)
    ours, stream = buffer(loaded, CarriedGoals(loaded, ("mass", "tolerance"))), Stream(loaded, tasks=9)
    for step in range(2 * SIZE):
        transition = copy.deepcopy(stream.step())
        for observation in transition[:2]:
            observation["context"][:, 1] = np.nan if step % 3 == 0 else observation["context"][:, 1]
        ours.add(*transition)
    found = drawn(ours, 100)
    assert known_tasks(found.observations) is known_tasks(found.next_observations) is None
    for observations in (found.observations, found.next_observations):
        goals, contexts = observations["desired_goal"][20:].numpy(), observations["context"][20:].numpy()
        expected = loaded.space.descriptors(
            [dict(zip(("mass", "tolerance"), goal.tolist(), strict=True)) for goal in goals]
        )
        np.testing.assert_array_equal(contexts[:, 0], expected[:, 0])
        hidden = np.isnan(contexts[:, 1])
        assert 0 < hidden.sum() < len(hidden)
        np.testing.assert_array_equal(contexts[~hidden, 1], expected[~hidden, 1])
    table = {tuple(row) for row in ours.tasks.contexts[: ours.tasks.count, :1].tolist()}
    assert {tuple(row) for row in found.observations["context"][:20, :1].tolist()} <= table


@pytest.mark.parametrize("steps", [0, 6, 30, 2 * SIZE + 11])
def test_a_restored_buffer_goes_on_bit_for_bit(steps: int) -> None:
    stream = Stream(TOLERANT, seed=5, tasks=9)
    ours, again = buffer(TOLERANT), buffer(TOLERANT)
    fill(steps, ours, stream=stream)
    set_state(again, get_state(ours))
    for _ in range(3):
        fill(25, ours, again, stream=stream)
        one, other = drawn(ours), drawn(again)
        assert torch.equal(one.rewards, other.rewards)
        for key, part in one.observations.items():
            assert torch.equal(other.observations[key], part)
    for name, value in get_state(ours).items():
        np.testing.assert_array_equal(get_state(again)[name], value, err_msg=name)


def test_an_episode_that_fills_the_buffer_is_replayed() -> None:
    """Stable-Baselines3 takes it for one of no steps."""
    ours, stream = buffer(), Stream()
    context = dict(FAMILY.space.default.raw)
    for step in range(SIZE):
        seen, later, action, reward, *_ = stream.step()
        ours.add(seen, later, action, reward, np.full(ENVS, step == SIZE - 1), [{"context": context}] * ENVS)
    first = ours.observations["observation"][0]
    found = drawn(ours, 2000)
    assert bool((found.observations["observation"] == torch.as_tensor(first[0])).all(dim=1).any())
    assert len(found.rewards[-1600:].unique()) == 2
    ours.add(seen, later, action, reward, np.zeros(ENVS), [{}] * ENVS)  # it is overwritten, and gone
    assert set(drawn(ours).rewards.ravel().tolist()) <= set(ours.rewards.ravel().tolist())


def test_before_an_episode_has_ended_nothing_is_relabeled() -> None:
    """Where Stable-Baselines3 raises an error."""
    ours, stream = buffer(), Stream()
    for _ in range(5):
        seen, later, action, reward, *_ = stream.step()
        ours.add(seen, later, action, reward, np.zeros(ENVS), [{}] * ENVS)
    found = drawn(ours)
    goals = {tuple(goal) for goal in ours.observations["desired_goal"][:5].reshape(-1, 2).tolist()}
    assert {tuple(goal) for goal in found.observations["desired_goal"].tolist()} == goals
    rewards = set(ours.rewards[:5].ravel().tolist())
    assert set(found.rewards.ravel().tolist()) == rewards


def test_episodes_whose_environments_were_reset_are_left_out() -> None:
    ours, stream = buffer(), Stream()
    seen, later, action, reward, *_ = stream.step()
    ours.add(seen, later, action, reward, np.zeros(ENVS), [{}] * ENVS)
    ours.end_episodes()
    lost = ours.observations["observation"][0].copy()
    fill(30, ours, stream=stream)
    found = drawn(ours, 2000).observations["observation"].numpy()
    assert not (found[:, None] == lost).all(axis=2).any()


def test_a_buffer_that_forgot_all_goes_on_as_a_fresh_one() -> None:
    used, fresh = buffer(TOLERANT), buffer(TOLERANT)
    fill(70, used, stream=Stream(TOLERANT, seed=1, tasks=3))
    used.reset()
    assert (used.size(), used.full) == (0, False)
    fill(30, used, fresh, stream=Stream(TOLERANT, seed=2, tasks=3))
    one, other = drawn(used), drawn(fresh)
    assert torch.equal(one.rewards, other.rewards)
    assert torch.equal(one.actions, other.actions)
    for name, part in one.observations.items():
        assert torch.equal(part, other.observations[name])


def test_a_copy_has_goals_of_its_own() -> None:
    ours = buffer()
    fill(20, ours, stream=Stream())
    again = copy.deepcopy(ours)
    assert torch.equal(drawn(again).rewards, drawn(ours).rewards)
    assert again.goals is not ours.goals


def test_what_it_stores_is_counted() -> None:
    ours = buffer()
    plain = sum(
        part.nbytes
        for parts in (ours.observations, ours.next_observations)
        for key, part in parts.items()
        if key != "context"
    )
    plain += sum(part.nbytes for part in (ours.actions, ours.rewards, ours.dones, ours.timeouts))
    assert ours.nbytes == plain + 4 * 4 * SIZE * ENVS


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"goal_selection_strategy": "random"}, "found 'random'; allowed: 'future', 'final', 'episode'"),
        ({"n_sampled_goal": 0}, "n_sampled_goal: found 0; allowed: a whole number, 1 or more"),
        ({"n_steps": 3, "gamma": 0.9}, "n_steps: found 3; allowed: 1 where goals are relabeled"),
    ],
)
def test_wrong_arguments_are_refused(options: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        buffer(**options)


def test_nothing_is_relabeled_without_goals() -> None:
    ours = buffer()
    ours.goals = None
    fill(20, ours, stream=Stream())
    with pytest.raises(RuntimeError, match="goals is None; allowed: Goals of a family"):
        ours.sample(5)


@pytest.mark.parametrize(("algorithm", "policy"), [(SAC, HyperSACPolicy), (TD3, HyperTD3Policy)])
def test_where_there_is_one_task_training_is_sb3s(algorithm: Any, policy: Any) -> None:
    """The weights that it learns by its own hindsight on the environment without a context."""
    one = spaces.Box(1.0, 1.0, (2,))

    class Beside(gym.ObservationWrapper[Any, Any, Any]):
        def __init__(self, env: gym.Env[Any, Any]) -> None:
            super().__init__(env)
            self.observation_space = spaces.Dict({**WITHOUT.spaces, "context": one})

        def observation(self, observation: Any) -> Any:
            return {**observation, "context": np.ones(2, np.float32)}

        def step(self, action: Any) -> Any:
            *rest, info = super().step(action)
            return *rest, {**info, "context": dict(FAMILY.space.default.raw)}

    class Ordered(gym.ObservationWrapper[Any, Any, Any]):
        """The parts of observations in the order of their names, in which ours come to networks."""

        def __init__(self, env: gym.Env[Any, Any]) -> None:
            super().__init__(env)
            self.observation_space = WITHOUT

        def observation(self, observation: Any) -> Any:
            return observation

    def venv(wrapper: Any) -> VecEnv:
        limit = {"max_episode_steps": 12}
        return make_vec_env(
            "hyperrl-base/point-reach-v0", n_envs=2, seed=3, wrapper_class=wrapper, env_kwargs=limit
        )

    options: dict[str, Any] = {
        "seed": 3, "learning_starts": 40, "batch_size": 16, "buffer_size": 80, "device": "cpu",
        "policy_kwargs": {"net_arch": [12, 12]},
    }  # fmt: skip
    theirs = algorithm("MultiInputPolicy", venv(Ordered), replay_buffer_class=HerReplayBuffer, **options)
    theirs.learn(120)
    replay = {
        "replay_buffer_class": HindsightReplayBuffer,
        "replay_buffer_kwargs": {"goals": Goals(FAMILY)},
    }
    ours = algorithm(policy, venv(Beside), **replay, **options).learn(120)
    plain = algorithm("MultiInputPolicy", venv(Ordered), **options).learn(120)
    weights, expected, others = (model.policy.state_dict() for model in (ours, theirs, plain))
    assert weights.keys() == expected.keys()
    for name, weight in expected.items():
        assert torch.equal(weights[name], weight), name
    assert any(not torch.equal(others[name], weight) for name, weight in expected.items())


@pytest.mark.parametrize("hindsight", [False, True])
@needs("contrib")
def test_crossq_learns_from_it(hindsight: bool) -> None:
    from hyperrl.policies.crossq import CrossQHindsightReplayBuffer, CrossQReplayBuffer, JoinedObservations

    kind = CrossQHindsightReplayBuffer if hindsight else CrossQReplayBuffer
    options: dict[str, Any] = {"goals": Goals(FAMILY)} if hindsight else {}
    ours = kind(SIZE * ENVS, SPACE, ACTIONS, device="cpu", n_envs=ENVS, **options)
    fill(30, ours, stream=Stream())
    found = drawn(ours)
    both: Any = torch.cat([found.observations, found.next_observations])
    assert isinstance(found.observations, JoinedObservations)
    assert both["desired_goal"].shape == (400, 2)
