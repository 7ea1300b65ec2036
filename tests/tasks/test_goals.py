"""Rewards of other goals are those of the task that was played; families without goals are refused."""

import copy
from contextlib import closing
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from hyperrl.errors import BaseEnvironmentError, UserError
from hyperrl.recipes import parse_family
from hyperrl.tasks import Family, contextualize
from hyperrl.tasks.goals import Goals

BOX = gym.spaces.Box(-9, 9, (2,), np.float64)


class Reach(gym.Env[Any, Any]):
    """Goes where it is pushed; a goal is reached within `radius`, which some read at a reset alone."""

    observation_space: gym.Space[Any] = gym.spaces.Dict(observation=BOX, achieved_goal=BOX, desired_goal=BOX)
    action_space = gym.spaces.Box(-1, 1, (2,))

    def __init__(self, late: bool = False, scale: float = 1.0) -> None:
        self.late, self.scale = late, scale
        self.radius, self.speed = 0.5, 1.0
        self.place, self.goal, self.used = np.zeros(2), np.zeros(2), 0.5

    def seen(self) -> Any:
        place, goal = self.place.copy(), self.goal.copy()
        return {"observation": place, "achieved_goal": place.copy(), "desired_goal": goal}

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.place, self.goal = np.zeros(2), self.np_random.uniform(-1, 1, 2)
        self.used = self.radius
        return self.seen(), {}

    def compute_reward(self, achieved: Any, desired: Any, info: Any) -> Any:
        away = np.linalg.norm(achieved - desired, axis=-1)
        return -self.scale * (away > (self.used if self.late else self.radius))

    def step(self, action: Any) -> Any:
        self.place = self.place + self.speed * np.asarray(action, np.float64)
        reward = float(self.compute_reward(self.place, self.goal, {}))
        return self.seen(), reward, False, False, {}


RADIUS = {"about": "where a goal is reached", "default": 0.5, "train": [0.1, 2.0]}
SPEED = {"about": "speed", "default": 1.0, "train": [0.5, 1.5]}


def family(make: Any = Reach, limit: int = 10, **features: Any) -> Family:
    def limited(**kwargs: Any) -> gym.Env[Any, Any]:
        return gym.wrappers.TimeLimit(make(**kwargs), limit)

    return contextualize(limited, features or {"radius": RADIUS, "speed": SPEED}, name="reach")


def rows(count: int, loaded: Family, seed: int = 0) -> Any:
    """Achieved and desired goals, the values of tasks, and which of them each row is of."""
    rng = np.random.default_rng(seed)
    tasks = loaded.space.values(loaded.tasks("train")[:7])
    achieved, desired = rng.uniform(-1, 1, (2, count, 2))
    return achieved, desired, tasks, rng.integers(len(tasks), size=count)


@pytest.mark.parametrize(
    ("late", "features"),
    [
        (False, {"radius": RADIUS, "speed": SPEED}),
        (True, {"radius": {**RADIUS, "at": "reset"}}),
        (False, {"scale": {"about": "", "default": 1, "train": [1, 4], "values": [1, 2, 4],
                           "argument": "scale", "at": "reset"}}),
    ],
)  # fmt: skip
def test_rewards_are_those_of_each_rows_own_task(late: bool, features: Any) -> None:
    loaded = family(lambda **kwargs: Reach(late, **kwargs), **features)
    with closing(Goals(loaded)) as goals:
        achieved, desired, tasks, index = rows(60, loaded)
        found = goals.rewards(achieved, desired, tasks, index)
        values = tasks[index]
    assert found.dtype == np.float32
    assert len(set(found.tolist())) >= 2
    away = np.linalg.norm(achieved - desired, axis=1)
    if "scale" in features:
        expected = -values[:, 0] * (away > 0.5)
    else:
        expected = -1.0 * (away > values[:, 0])
        assert (expected != -1.0 * (away > 0.5)).any()  # it does depend on the task
    np.testing.assert_array_equal(found, expected.astype(np.float32))


def test_batched_rewards_are_those_of_single_environments() -> None:
    """Of a family whose tolerance is a feature, and whose actions are changed on the way."""
    features = {
        "tolerance": {"about": "", "default": 0.1, "train": [0.05, 1.5]},
        "sign": {"about": "", "default": 1, "train": [-1, 1], "values": [-1, 1], "scales": "action"},
    }
    data = {"name": "x", "about": "", "base": "hyperrl-base/point-reach-v0", "features": features}
    batched = Family(parse_family(data, "x"))
    single = Family(batched.recipe, batched.make_base)
    assert batched.batched
    assert not single.batched
    given = rows(80, batched)
    with closing(Goals(batched)) as one, closing(Goals(single)) as other:
        found = one.rewards(*given)
        np.testing.assert_array_equal(found, other.rewards(*given))
        np.testing.assert_array_equal(found, copy.deepcopy(one).rewards(*given))
    achieved, desired, tasks, index = given
    values = tasks[index]
    away = np.linalg.norm(achieved - desired, axis=1)
    np.testing.assert_array_equal(found, -(away > values[:, 0]).astype(np.float32))
    assert set(found) == {0, -1}


CARRIED = {
    **{
        name: {"about": "", "default": 0.25, "train": [-1, 1], "attribute": f"goal.{axis}", "at": "start"}
        for axis, name in enumerate("xy")
    },
    "radius": RADIUS,
}


def carried(observe: list[str] | None = None, goal: Any = ("x", "y")) -> Family:
    whole = family(Reach, 10, **CARRIED)
    recipe = whole.recipe.model_copy(update={"goal": goal})
    keys = observe or ["observation", "achieved_goal"]

    def make(**kwargs: Any) -> gym.Env[Any, Any]:
        return gym.wrappers.FilterObservation(whole.make_base(**kwargs), keys)

    return Family(recipe, make)


def test_features_that_carry_the_goal_are_relabeled_and_nothing_else() -> None:
    loaded = carried()
    with closing(Goals(loaded)) as goals:
        assert goals.features == ("x", "y")
        achieved, desired, tasks, index = rows(50, loaded)
        values = tasks[index]
        away = np.linalg.norm(achieved - desired, axis=1)
        expected = -(away > values[:, 2]).astype(np.float32)
        np.testing.assert_array_equal(goals.rewards(achieved, desired, tasks, index), expected)
        contexts = loaded.space.contexts(values)
        before = loaded.space.descriptors(contexts)
        after = goals.relabel(before, desired)
    relabeled = [
        {"x": x, "y": y, "radius": context["radius"]}
        for (x, y), context in zip(desired, contexts, strict=True)
    ]
    np.testing.assert_array_equal(after, loaded.space.descriptors(relabeled))
    assert (after[:, 2] == before[:, 2]).all()
    hidden = before.copy()
    hidden[::2, 1] = np.nan
    found = goals.relabel(hidden, desired)
    assert np.isnan(found[::2, 1]).all()
    np.testing.assert_array_equal(found[:, 0], after[:, 0])
    np.testing.assert_array_equal(found[1::2], after[1::2])


def refusal(loaded: Family, kind: type[Exception] = UserError) -> str:
    with pytest.raises(kind) as caught:
        Goals(loaded)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_families_without_goals_are_refused() -> None:
    assert refusal(Family.load("ode")) == (
        "family 'ode': found observations of context, obs;"
        " allowed with algorithm.her: those with achieved_goal and desired_goal"
    )
    assert refusal(carried(["observation"])) == (
        "family 'reach': found observations of context, observation;"
        " allowed with algorithm.her: those with achieved_goal"
    )
    assert "allowed with algorithm.her: those with desired_goal" in refusal(carried(goal=None))
    message = refusal(carried(["observation", "achieved_goal"], ("x",)))
    assert "found achieved_goal of shape (2,), goal of shape (1,); allowed" in message


def test_bases_whose_rewards_do_not_follow_from_goals_are_refused() -> None:
    class Silent(gym.Wrapper[Any, Any, Any, Any]):
        def has_wrapper_attr(self, name: str) -> bool:
            return name != "compute_reward" and super().has_wrapper_attr(name)

    class Bonus(Reach):
        def step(self, action: Any) -> Any:
            seen, reward, *rest = super().step(action)
            return seen, reward + 0.5, *rest

    class OneReward(Reach):
        def compute_reward(self, achieved: Any, desired: Any, info: Any) -> Any:
            return -1.0

    class NeedsInfo(Reach):
        def compute_reward(self, achieved: Any, desired: Any, info: Any) -> Any:
            return info[0]["reward"] if isinstance(info, list) else -1.0

    assert "found a base environment without a method compute_reward" in refusal(
        family(lambda **kwargs: Silent(Reach(**kwargs)))
    )
    message = refusal(family(Bonus))
    assert message == (
        "family 'reach': found a step that paid 0.5 where the base's compute_reward gives 0;"
        " allowed with algorithm.her: the same"
    )
    message = refusal(family(OneReward), BaseEnvironmentError)
    assert "compute_reward returned an array of shape () for 1 goals; allowed: (1,)" in message
    message = refusal(family(NeedsInfo), BaseEnvironmentError)
    assert "the base environment failed: KeyError: 'reward'" in message
    assert "the rewards of other goals" in message
