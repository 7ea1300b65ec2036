"""What a base environment may hand over, and what becomes of it at the door."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from gymnasium import spaces

from hyperrl.tasks import contextualize
from hyperrl.tasks.adapter import BaseAdapter, InterfaceError, info_of
from tests.tasks.bases import BOX, PUSH, Base, family_of_base


def test_arrays_that_the_base_owns_are_copied() -> None:
    """Of every part, also those that end an episode in a batch of environments."""

    class Owner(Base):
        def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
            self.state = np.zeros(2, np.float32)
            self.told = np.zeros(1)
            super().reset()
            return self.state, {"told": self.told}

        def step(self, action: Any) -> Any:
            self.state += 1
            self.told += 1
            action[:] = 9.0
            return self.state, 0.0, False, bool(self.state[0] == 3), {"told": self.told}

    family = contextualize(Owner, {"gain": {"train": [0.5, 2.0]}})
    env = family.make()
    seen = [env.reset()[0]["obs"]]
    action = np.zeros(1, np.float32)
    seen += [env.step(action)[0]["obs"] for _ in range(3)]
    np.testing.assert_array_equal(seen, [[0, 0], [1, 1], [2, 2], [3, 3]])
    assert action == 0.0
    batch = family.make_vec(2)
    began = [batch.reset()[0]["obs"]]
    for _ in range(3):
        observation, *_, infos = batch.step(np.zeros((2, 1), np.float32))
        began.append(observation["obs"])
    np.testing.assert_array_equal([each[0, 0] for each in began], [0, 1, 2, 0])
    np.testing.assert_array_equal([last["obs"] for last in infos["final_obs"]], np.full((2, 2), 3.0))
    np.testing.assert_array_equal(infos["final_info"]["told"].tolist(), [[3.0], [3.0]])


@pytest.mark.parametrize(
    ("space", "value", "wanted"),
    [
        (BOX, np.ones(2), np.ones(2, np.float32)),
        (BOX, [1, 2], np.array([1, 2], np.float32)),
        (spaces.Box(0, 255, (1, 1, 1), np.uint8), np.full((1, 1, 1), 7), np.full((1, 1, 1), 7, np.uint8)),
        (spaces.Discrete(3), 2, np.int64(2)),
        (spaces.Discrete(3), np.int64(2), np.int64(2)),
        (spaces.Discrete(3), np.array(2, np.int8), np.int64(2)),
        (spaces.Discrete(3, start=-5), -4, np.int64(1)),
        (spaces.MultiDiscrete([3, 2], start=np.array([1, -1])), np.array([3, -1]), np.array([2, 0])),
        (spaces.MultiBinary((2, 2)), np.eye(2, dtype=bool), np.eye(2, dtype=np.int8)),
        (spaces.MultiBinary(2), (0, 1), np.array([0, 1], np.int8)),
    ],
)
def test_an_observation_takes_the_form_of_its_space(space: Any, value: Any, wanted: Any) -> None:
    adapter = BaseAdapter(space, PUSH)
    nested = BaseAdapter(spaces.Dict(here=space, there=BOX), PUSH)
    seen = nested.observation({"here": value, "there": np.zeros(2), "more": 1})
    assert seen.keys() == {"here", "there"}
    for found in (adapter.observation(value)["obs"], seen["here"]):
        np.testing.assert_array_equal(found, wanted)
        assert found.dtype == wanted.dtype
        assert adapter.observation_space.contains(found)


def test_the_lowest_choices_are_known_where_they_are_not_zero() -> None:
    several = spaces.MultiDiscrete([3, 2], start=np.array([1, -1]))
    nested = spaces.Dict(dial=spaces.Discrete(3, start=2), plain=spaces.Discrete(3), more=several, at=BOX)
    found = BaseAdapter(nested, spaces.Discrete(2, start=-1))
    assert found.starts.keys() == {"dial", "more"}
    assert (found.starts["dial"], found.starts["more"].tolist(), found.action_start) == (2, [1, -1], -1)
    assert BaseAdapter(spaces.Discrete(3, start=5), PUSH).starts == {"obs": 5}
    assert BaseAdapter(BOX, PUSH).starts == {}
    partly = BaseAdapter(BOX, spaces.MultiDiscrete([3, 2], start=np.array([0, 2])))
    assert partly.action([2, 1]).tolist() == [2, 3]


@pytest.mark.parametrize(
    ("space", "value", "says"),
    [
        (BOX, np.zeros(3), r"the observation has shape \(3,\); allowed: \(2,\)"),
        (BOX, 0.0, r"the observation has shape \(\); allowed: \(2,\)"),
        (BOX, None, "the observation has shape"),
        (BOX, [[1.0], [1.0, 2.0]], "the observation is a list of 2; allowed: an array"),
        (BOX, np.array(["a", "b"]), "the observation is of <U1; allowed: float32"),
        (BOX, np.zeros(2, complex), "the observation is of complex128; allowed: float32"),
        (spaces.Box(0, 255, (1,), np.uint8), np.array([0.5]), "is of float64; allowed: uint8"),
        (spaces.Box(0, 255, (1,), np.uint8), np.array([256]), "is of int64; allowed: uint8"),
        (spaces.Discrete(3), 3, "the observation is 3; allowed: the choices that its space has"),
        (spaces.Discrete(3, start=1), 0, "the observation is 0; allowed: the choices"),
        (spaces.MultiDiscrete([2, 2]), np.array([0, 2]), r"the observation is \[0 2\]; allowed: the choices"),
        (spaces.Dict(a=BOX), np.zeros(2), "is an array of float64 and shape .2,.; allowed: a dictionary"),
        (spaces.Dict(a=BOX, b=BOX), {"a": np.zeros(2)}, "the observation has no key 'b'; allowed: a, b"),
        (spaces.Dict(a=BOX), {"a": np.zeros(3)}, r"the observation 'a' has shape \(3,\)"),
    ],
)
def test_an_observation_that_is_none_of_its_space_is_refused(space: Any, value: Any, says: str) -> None:
    with pytest.raises(InterfaceError, match=says):
        BaseAdapter(space, PUSH).observation(value)


@pytest.mark.parametrize("number", [2, np.float32(2), np.array([2.0]), np.array(2), Fraction(2), [2.0]])
def test_a_reward_is_one_number(number: Any) -> None:
    reward = BaseAdapter(BOX, PUSH).step((np.zeros(2), number, False, False, {}))[1]
    assert (reward, type(reward)) == (2.0, float)


@pytest.mark.parametrize("flag", [True, np.True_, 1, np.array([True]), np.array(1)])
def test_an_end_is_true_or_false(flag: Any) -> None:
    *_, terminated, truncated, _ = BaseAdapter(BOX, PUSH).step((np.zeros(2), 0.0, flag, flag, {}))
    assert terminated is truncated is True


SEEN = np.zeros(2, np.float32)


@pytest.mark.parametrize(
    ("returned", "says"),
    [
        ((SEEN, np.zeros(2), False, False, {}), r"the reward has shape \(2,\); allowed: one number"),
        ((SEEN, None, False, False, {}), "the reward is None; allowed: one number"),
        ((SEEN, "1", False, False, {}), "the reward is of type str; allowed: one number"),
        ((SEEN, 1j, False, False, {}), "the reward is of type complex; allowed: one number"),
        ((SEEN, 0.0, None, False, {}), "terminated is None; allowed: true or false"),
        ((SEEN, 0.0, 2, False, {}), "terminated is of type int; allowed: true or false"),
        ((SEEN, 0.0, False, "no", {}), "truncated is of type str; allowed: true or false"),
        ((SEEN, 0.0, False, False, None), "its info is None; allowed: a dictionary"),
        ((SEEN, 0.0, False, False, []), "its info is a list of 0; allowed: a dictionary"),
        ((SEEN, 0.0, False, {}), "its step returned a tuple of 4; allowed: an observation, a reward, term"),
        (SEEN, r"its step returned an array of float32 and shape \(2,\)"),
    ],
)
def test_a_step_that_is_not_gymnasiums_is_refused(returned: Any, says: str) -> None:
    with pytest.raises(InterfaceError, match=says):
        BaseAdapter(BOX, PUSH).step(returned)


@pytest.mark.parametrize("returned", [SEEN, (SEEN, {}, 0), None])
def test_a_reset_that_is_not_gymnasiums_is_refused(returned: Any) -> None:
    with pytest.raises(InterfaceError, match=r"its reset returned .*; allowed: an observation and an info"):
        BaseAdapter(BOX, PUSH).start(returned)


def test_infos_never_take_our_keys() -> None:
    told = {"task": "walk", "base.task": 1, 3: 4, "3": 5, "episode": None, "_hidden": 6}
    found = {
        "base.task": "walk",
        "base.base.task": 1,
        "3": 4,
        "base.3": 5,
        "base.episode": None,
        "_hidden": 6,
    }
    assert info_of(told) == found
    env = family_of_base(info={"task": "walk", "context": "none", "deep": {"task": 1}}).make()
    env.reset()
    *_, info = env.step(np.zeros(1, np.float32))
    assert isinstance(info["task"], int)
    assert info["context"].keys() == {"gain"}
    assert (info["base.task"], info["base.context"], info["deep"]) == ("walk", "none", {"task": 1})


@pytest.mark.parametrize(
    ("space", "sent", "wanted"),
    [
        (spaces.Discrete(3, start=1), [0, np.int64(2)], [1, 3]),
        (spaces.MultiDiscrete([2, 2], start=np.array([1, -1])), [np.array([0, 1])], [[1, 0]]),
        (spaces.Discrete(3), [1], [1]),
    ],
)
def test_actions_are_counted_as_the_base_does(space: Any, sent: list[Any], wanted: list[Any]) -> None:
    env = family_of_base(action_space=space).make()
    env.reset()
    for action in sent:
        assert env.action_space.contains(action)
        env.step(action)
    base: Any = env.base
    np.testing.assert_array_equal(base.acted, wanted)
    assert all(space.contains(action) for action in base.acted)
