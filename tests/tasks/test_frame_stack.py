"""Stacked observations: SB3's numbers, and the same in a batch as one environment at a time."""

import copy
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces
from stable_baselines3.common.vec_env import DummyVecEnv, VecFrameStack

from hyperrl.errors import UserError
from hyperrl.recipes import EnvironmentOptions
from hyperrl.tasks import Family, contextualize
from hyperrl.tasks.frame_stack import FrameStack
from hyperrl.tasks.spaces import GOALS

ROW = spaces.Box(-3.0, np.array([1.0, np.inf], np.float32), (2,), np.float32)
WHOLE = spaces.Box(-5, 5, (2, 3), np.int64)
IMAGES = {
    "channels last": (8, 7, 3),
    "channels first": (3, 8, 7),
    "one channel": (8, 8, 1),
    "square, channels first by the rule": (4, 4, 4),
}


def image(shape: tuple[int, ...]) -> spaces.Box:
    return spaces.Box(0, 255, shape, np.uint8)


class Drawing(gym.Env[Any, Any]):
    """Observations are drawn from its space; every episode lasts one to seven steps."""

    def __init__(self, space: gym.Space[Any]) -> None:
        self.observation_space, self.action_space, self.gain = space, spaces.Discrete(2), 1.0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        if seed is not None:
            self.observation_space.seed(seed)
        self.left = int(self.np_random.integers(1, 8))
        return self.observation_space.sample(), {}

    def step(self, action: Any) -> Any:
        self.left -= 1
        return self.observation_space.sample(), self.gain, self.left == 0, False, {}


def drawing(space: gym.Space[Any], frames: int) -> Family:
    family = contextualize(
        lambda: Drawing(space_copy(space)), {"gain": {"default": 1.0, "train": [0.5, 2.0]}}, name="drawing"
    )
    return Family(family.recipe, family._make_base, EnvironmentOptions(frame_stack=frames))


def space_copy(space: gym.Space[Any]) -> gym.Space[Any]:
    """The space with a generator of its own."""
    if isinstance(space, spaces.Dict):
        return spaces.Dict({key: space_copy(part) for key, part in space.spaces.items()})
    assert isinstance(space, spaces.Box)
    return spaces.Box(space.low, space.high, dtype=space.dtype)


def stacked(stack: FrameStack, observation: dict[str, Any]) -> dict[str, Any]:
    """One environment's next observation on those before it."""
    found = dict(observation)
    for window in stack.windows:
        assert window.replace(found) is found
    return found


def without_context(observation: Any) -> dict[str, Any]:
    return {key: part for key, part in observation.items() if key != "context"}


@pytest.mark.parametrize("frames", [2, 4])
@pytest.mark.parametrize(
    "space",
    [ROW, WHOLE, *map(image, IMAGES.values()), spaces.Dict(camera=image((8, 7, 3)), joints=ROW, map=WHOLE)],
    ids=["row", "whole numbers", *IMAGES, "dictionary"],
)
def test_the_numbers_are_those_of_stable_baselines3(space: gym.Space[Any], frames: int) -> None:
    """Observations, last observations of episodes and their space, over some fifty episodes."""
    theirs = VecFrameStack(DummyVecEnv([lambda: Drawing(space_copy(space))] * 3), frames)
    ours = drawing(space, frames).make_vec(3)
    own_space: Any = ours.single_observation_space
    expected = theirs.observation_space
    parts = expected.spaces if isinstance(expected, spaces.Dict) else {"obs": expected}
    assert without_context(own_space.spaces) == dict(parts)
    theirs.seed(5)
    seen: Any = theirs.reset()
    ends = 0
    found = ours.reset(seed=5)[0]
    for _ in range(80):
        assert_parts(without_context(found), seen)
        actions = np.zeros(3, np.int64)
        seen, _, dones, infos = theirs.step(actions)
        found, _, terminated, _, ended = ours.advance(actions)
        np.testing.assert_array_equal(terminated, dones)
        for env, last, _ in ended:
            assert_parts(without_context(last), infos[env]["terminal_observation"])
        ends += len(ended)
    assert ends >= 40


def assert_parts(found: dict[str, Any], expected: Any) -> None:
    expected = expected if isinstance(expected, dict) else {"obs": expected}
    assert set(found) == set(expected)
    for key, part in found.items():
        np.testing.assert_array_equal(part, expected[key], err_msg=key)
        assert part.dtype == expected[key].dtype


def test_goals_choices_and_the_context_stay_as_they_are() -> None:
    choices = {"switch": spaces.Discrete(3), "bits": spaces.MultiBinary(2)}
    space = spaces.Dict({**dict.fromkeys(("observation", *GOALS), ROW), **choices})
    stack = FrameStack(space, 3)
    assert isinstance(stack.space, spaces.Dict)
    assert {key: part.shape for key, part in stack.space.items()} == {
        "achieved_goal": (2,), "bits": (2,), "desired_goal": (2,), "observation": (6,), "switch": (),
    }  # fmt: skip
    first, second = space.sample(), space.sample()
    stacked(stack, first)
    found = stacked(stack, second)
    np.testing.assert_array_equal(found["observation"], [0, 0, *first["observation"], *second["observation"]])
    for key in (*GOALS, *choices):
        np.testing.assert_array_equal(found[key], second[key])


@pytest.mark.parametrize(
    "space",
    [
        spaces.Discrete(5),
        spaces.MultiDiscrete([2, 3]),
        spaces.Dict(desired_goal=ROW, switch=spaces.Discrete(2)),
    ],
    ids=["a choice", "choices", "a dictionary of none"],
)
def test_observations_that_cannot_be_stacked_are_refused(space: gym.Space[Any]) -> None:
    with pytest.raises(UserError, match=r"^frame_stack: found 4; allowed: 1 with observ") as error:
        FrameStack(space, 4)
    assert "\n" not in str(error.value)
    assert FrameStack(space, 1).space is space


def test_one_observation_alone_is_not_touched() -> None:
    stack, observation = FrameStack(ROW, 1), {"obs": np.ones(2, np.float32)}
    assert stack.space is ROW
    assert not stack.windows
    assert stack.push({}, observation)["obs"] is observation["obs"]


def test_what_was_returned_is_the_callers() -> None:
    env = drawing(ROW, 3).make()
    first = env.reset(seed=0)[0]["obs"]
    expected = first.copy()
    first[:] = 99
    second = env.step(0)[0]["obs"]
    np.testing.assert_array_equal(second[:4], expected[2:])


def test_a_copy_in_mid_episode_goes_on_by_itself() -> None:
    env = drawing(image((3, 8, 7)), 3).make()
    env.reset(seed=0)
    env.step(0)
    other = copy.deepcopy(env)
    seen = [env.step(0)[0]["obs"] for _ in range(2)]
    np.testing.assert_array_equal([other.step(0)[0]["obs"] for _ in range(2)], seen)


@pytest.mark.parametrize("axis", [-1, -3])
def test_a_batch_is_pushed_as_one_environment_is(axis: int) -> None:
    shape = (3, 8, 7) if axis == -3 else (8, 7, 3)
    stack = FrameStack(image(shape), 3)
    assert stack.axes == {"obs": axis}
    rng = np.random.default_rng(0)
    batch = np.zeros((2, *(stack.space.shape or ())), np.uint8)
    for _ in range(5):
        rows = rng.integers(0, 256, (2, *shape), np.uint8)
        batch = stack.push({"obs": batch}, {"obs": rows})["obs"]
        alone = stacked(stack, {"obs": rows[1]})["obs"]
        np.testing.assert_array_equal(batch[1], alone)
