"""Replay that stores contexts once a task hands out what Stable-Baselines3's own does."""

import pickle
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3.common.buffers import DictReplayBuffer
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

from hyperrl.policies import ContextReplayBuffer
from hyperrl.policies.replay import get_state, set_state
from hyperrl.policies.task_rows import known_tasks

SPACE = spaces.Dict(obs=spaces.Box(-1, 1, (3,)), context=spaces.Box(-1, 1, (2,)))
ACTIONS = spaces.Box(-1, 1, (2,))
ENVS = 3


class _Fixed(gym.Env[Any, Any]):
    observation_space, action_space = SPACE, ACTIONS


class Stream:
    """Transitions of tasks that change at the ends of episodes, which come at random."""

    def __init__(self, tasks: int | None = 5, seed: int = 0) -> None:
        self.random = np.random.default_rng(seed)
        self.tasks = None if tasks is None else self.random.uniform(-1, 1, (tasks, 2)).astype(np.float32)
        self.context = np.stack([self.task() for _ in range(ENVS)])

    def task(self) -> Any:
        if self.tasks is None:
            return self.random.uniform(-1, 1, 2).astype(np.float32)
        return self.tasks[self.random.integers(len(self.tasks))]

    def step(self) -> tuple[Any, ...]:
        seen, later = (
            {"obs": self.random.uniform(-1, 1, (ENVS, 3)).astype(np.float32), "context": self.context.copy()}
            for _ in range(2)
        )
        done = self.random.random(ENVS) < 0.3
        infos = [{"TimeLimit.truncated": bool(self.random.random() < 0.5)} for _ in range(ENVS)]
        for index in np.flatnonzero(done):
            self.context[index] = self.task()
        return seen, later, self.random.uniform(-1, 1, (ENVS, 2)), self.random.random(ENVS), done, infos


def buffers(size: int = 120) -> tuple[ContextReplayBuffer, DictReplayBuffer]:
    made = [
        kind(size, SPACE, ACTIONS, device="cpu", n_envs=ENVS)
        for kind in (ContextReplayBuffer, DictReplayBuffer)
    ]
    return made[0], made[1]  # type: ignore[return-value]


def fill(steps: int, *each: Any, stream: Stream | None = None) -> None:
    stream = stream or Stream()
    for _ in range(steps):
        transition = stream.step()
        for buffer in each:
            buffer.add(*transition)


def sampled(buffer: Any, seed: int = 0, count: int = 200, env: VecNormalize | None = None) -> dict[str, Any]:
    np.random.seed(seed)
    drawn = buffer.sample(count, env)
    parts = {f"obs/{name}": part for name, part in drawn.observations.items()}
    parts |= {f"next/{name}": part for name, part in drawn.next_observations.items()}
    parts |= {"actions": drawn.actions, "rewards": drawn.rewards, "dones": drawn.dones}
    return {name: part.numpy() for name, part in parts.items()}


def same(one: Any, other: Any, env: VecNormalize | None = None) -> None:
    found, expected = sampled(one, env=env), sampled(other, env=env)
    assert found.keys() == expected.keys()
    for name, part in expected.items():
        assert part.dtype == found[name].dtype
        np.testing.assert_array_equal(found[name], part, err_msg=name)


@pytest.mark.parametrize("steps", [1, 20, 40, 133])
def test_samples_are_sb3s_bit_for_bit(steps: int) -> None:
    ours, theirs = buffers()
    fill(steps, ours, theirs)
    same(ours, theirs)
    assert ours.tasks.count <= 5


@pytest.mark.parametrize("tasks", [3, 40, 400, None])
@pytest.mark.parametrize("other", [False, True])
def test_samples_know_their_tasks(tasks: int | None, other: bool) -> None:
    """Each row's context is that of the task it is said to be of, each task's context is there once."""
    ours, _ = buffers(3000)
    stream = Stream(tasks)
    fill(600, ours, stream=stream)
    if other:
        seen, later, *rest = stream.step()
        later["context"][1] = [0.125, -0.5]
        ours.add(seen, later, *rest)
    drawn = ours.sample(200)
    for observations in (drawn.observations, drawn.next_observations):
        known = known_tasks(observations)
        assert known is not None
        assert known.rows.index is not None
        assert torch.equal(known.tasks[known.rows.index], observations["context"])
        assert len(torch.unique(known.tasks, dim=0)) == len(known.tasks)
        if tasks == 3:
            assert len(known.tasks) <= 3 + other
    drawn.observations["context"].zero_()
    assert drawn.next_observations["context"].any()


def normalizing(keys: list[str] | None) -> VecNormalize:
    """Stable-Baselines3's wrapper, which has seen something."""
    env = VecNormalize(DummyVecEnv([_Fixed] * ENVS), norm_obs_keys=keys, clip_obs=0.8, clip_reward=1.1)
    random = np.random.default_rng(5)
    for name, running in env.obs_rms.items():
        running.update(random.uniform(-1, 2, (50, *(SPACE[name].shape or ()))))
    env.ret_rms.update(random.random(50))
    return env


@pytest.mark.parametrize("keys", [["obs"], None])
def test_normalized_samples_are_sb3s_bit_for_bit(keys: list[str] | None) -> None:
    """They know their tasks, unless contexts are normalized: these are not those that are stored."""
    ours, theirs = buffers()
    fill(40, ours, theirs)
    env = normalizing(keys)
    same(ours, theirs, env)
    assert not np.array_equal(sampled(ours, env=env)["obs/obs"], sampled(ours)["obs/obs"])
    drawn = ours.sample(50, env=env)
    for observations in (drawn.observations, drawn.next_observations):
        known = known_tasks(observations)
        assert (known is None) == (keys is None)
        if known is not None:
            assert torch.equal(known.tasks[known.rows.index], observations["context"])


def test_a_transition_takes_what_it_takes_without_a_context_and_a_number() -> None:
    ours, _ = buffers()
    fill(50, ours)
    without = spaces.Dict(obs=SPACE["obs"])
    plain = DictReplayBuffer(120, without, ACTIONS, device="cpu", n_envs=ENVS)
    arrays = [
        plain.observations["obs"],
        plain.next_observations["obs"],
        plain.actions,
        plain.rewards,
        plain.dones,
        plain.timeouts,
    ]
    assert ours.nbytes == sum(array.nbytes for array in arrays) + 4 * 120
    assert ours.tasks.contexts.nbytes == 64 * 2 * 4


def test_what_is_handed_out_is_the_callers() -> None:
    ours, theirs = buffers()
    fill(20, ours, theirs)
    np.random.seed(0)
    drawn = ours.sample(50)
    for part in (*drawn.observations.values(), *drawn.next_observations.values(), drawn.actions):
        part.fill_(7.0)
    same(ours, theirs)


def test_a_next_observation_may_belong_to_another_task() -> None:
    """No family does so; Stable-Baselines3 allows it."""
    ours, theirs = buffers()
    stream = Stream()
    fill(20, ours, theirs, stream=stream)
    slim = ours.nbytes
    seen, later, *rest = stream.step()
    later["context"][1] = [0.125, -0.5]
    for buffer in (ours, theirs):
        buffer.add(seen, later, *rest)
    fill(30, ours, theirs, stream=stream)
    same(ours, theirs)
    assert ours.nbytes == slim + 4 * 120


def test_contexts_that_are_missing_are_reported_apart() -> None:
    ours, theirs = buffers()
    stream = Stream()
    stream.tasks = np.array(
        [[0.5, 0.5], [np.nan, 0.5], [0.5, np.nan], [np.nan, np.nan], [-0.0, 0.0]], np.float32
    )
    fill(60, ours, theirs, stream=stream)
    same(ours, theirs)


@pytest.mark.parametrize("other", [False, True])
def test_contexts_of_overwritten_transitions_are_forgotten(other: bool) -> None:
    """Where every episode has a context of its own, the table stays as large as the buffer calls for."""
    ours, theirs = buffers(30)
    stream = Stream(tasks=None)
    for step in range(400):
        seen, later, *rest = stream.step()
        if other and step % 7 == 0:
            later["context"][0] = stream.task()
        for buffer in (ours, theirs):
            buffer.add(seen, later, *rest)
    same(ours, theirs)
    assert len(ours.tasks.contexts) <= 2 * (2 * 30 + ENVS) + 64


@pytest.mark.parametrize("steps", [7, 133])
@pytest.mark.parametrize("other", [False, True])
@pytest.mark.parametrize("kind", [0, 1])
def test_state_goes_on_bit_for_bit(kind: int, other: bool, steps: int) -> None:
    stream = Stream(seed=1)
    straight = buffers()[kind]
    fill(steps, straight, stream=stream)
    if other:
        seen, later, *rest = stream.step()
        later["context"][0] = 0.25
        straight.add(seen, later, *rest)
    again = buffers()[kind]
    set_state(again, get_state(straight))
    same(again, straight)
    fill(25, straight, again, stream=stream)
    same(again, straight)
    for name, part in get_state(straight).items():
        np.testing.assert_array_equal(get_state(again)[name], part, err_msg=name)


def test_only_what_is_used_is_in_the_state() -> None:
    ours, _ = buffers()
    fill(7, ours)
    state = get_state(ours)
    assert {len(part) for name, part in state.items() if "/" in name} == {7}
    assert len(state["tasks"]) == ours.tasks.count


def test_a_buffer_can_be_pickled() -> None:
    ours, _ = buffers()
    fill(20, ours)
    again = pickle.loads(pickle.dumps(ours))
    same(again, ours)
    fill(10, ours, again, stream=Stream(seed=3))
    same(again, ours)


def test_observations_without_a_context_are_refused() -> None:
    for space in (spaces.Dict(obs=SPACE["obs"]), SPACE["obs"]):
        with pytest.raises(ValueError, match="allowed: with a 'context'"):
            ContextReplayBuffer(10, space, ACTIONS)  # type: ignore[arg-type]


def test_images_and_actions_of_choices_pass() -> None:
    """And contexts that are no vector, of which nobody says which rows are of the same task."""
    space = spaces.Dict(obs=spaces.Box(0, 255, (1, 4, 4), np.uint8), context=spaces.Box(-1, 1, (1, 2)))
    choices: gym.Space[Any] = spaces.Discrete(3)
    ours, theirs = (
        kind(20, space, choices, device="cpu", n_envs=2) for kind in (ContextReplayBuffer, DictReplayBuffer)
    )
    for step in range(5):
        seen = {name: np.stack([space[name].sample() for _ in range(2)]) for name in space.spaces}
        for buffer in (ours, theirs):
            buffer.add(seen, seen, np.array([step % 3, 1]), np.ones(2), np.zeros(2), [{}, {}])
    same(ours, theirs)
