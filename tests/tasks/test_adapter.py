"""What a base environment may hand over, and what becomes of it at the door."""

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces
from hypothesis import given
from hypothesis import strategies as st

from hyperrl.errors import BaseEnvironmentError, UserError
from hyperrl.tasks import Family, check_family, contextualize
from hyperrl.tasks.adapter import BaseAdapter, InterfaceError, info_of

BOX = spaces.Box(-9, 9, (2,), np.float32)
PUSH = spaces.Box(-1, 1, (1,), np.float32)


class Base(gym.Env[Any, Any]):
    """Hands over what it is told to; episodes last three steps."""

    seen: Any = np.zeros(2, np.float32)
    reward: Any = 1.0
    info: Any = {}  # noqa: RUF012
    fails: Callable[[], Any] | None = None

    def __init__(self, **given: Any) -> None:
        self.observation_space, self.action_space, self.gain = BOX, PUSH, 1.0
        self.acted: list[Any] = []
        vars(self).update(given)

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.t = 0
        return self.seen, {}

    def step(self, action: Any) -> Any:
        self.t += 1
        self.acted.append(action)
        if self.fails is not None and self.t == 2:
            return self.fails()
        return self.seen, self.reward, False, self.t >= 3, self.info


def family_of(**given: Any) -> Family:
    return contextualize(lambda: Base(**given), {"gain": {"train": [0.5, 2.0]}})


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


def test_spaces_that_change_with_the_task_are_refused() -> None:
    """Networks have one size; the action's would else be noticed by whoever plays, or never."""

    class Growing(Base):
        def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
            self.action_space = spaces.Discrete(round(self.gain) + 1)
            return super().reset(seed=seed)

    family = contextualize(lambda: Growing(action_space=spaces.Discrete(2)), {"gain": {"train": [0.5, 2.0]}})
    env = family.make()
    env.reset(options={"context": {"gain": 1.0}})
    says = r"its action_space is Discrete\(3\); allowed: the other tasks', Discrete\(2\)"
    with pytest.raises(BaseEnvironmentError, match=says):
        env.reset(options={"context": {"gain": 2.0}})
    with pytest.raises(UserError, match="its action_space is"):
        check_family(family)


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
    env = family_of(info={"task": "walk", "context": "none", "deep": {"task": 1}}).make()
    env.reset()
    *_, info = env.step(np.zeros(1, np.float32))
    assert isinstance(info["task"], int)
    assert info["context"].keys() == {"gain"}
    assert (info["base.task"], info["base.context"], info["deep"]) == ("walk", "none", {"task": 1})


INFOS = st.dictionaries(
    st.sampled_from(
        ["a", "task", "episode", "final_obs", "final_info", "is_success", "_a", "TimeLimit.truncated"]
    ),
    st.sampled_from(
        [1, 0.5, "x", None, [1, 2], np.zeros(3), np.zeros((2, 0)), {"r": "s"}, np.int8(1), object()]
    ),
)


@given(st.lists(INFOS, min_size=6, max_size=6))
def test_whatever_infos_hold_a_batch_carries(infos: list[Mapping[str, Any]]) -> None:
    """By key and environment, as the objects that they are; our own entries keep their types."""
    said = iter(infos)

    class Saying(Base):
        def step(self, action: Any) -> Any:
            return self.seen, 1.0, True, False, next(said)

    batch = contextualize(Saying, {"gain": {"train": [0.5, 2.0]}}).make_vec(2)
    batch.reset(seed=0)
    for first in (0, 2, 4):
        *_, told = batch.step(np.zeros((2, 1), np.float32))
        last = told["final_info"]
        assert (last["task"].dtype, last["episode"]["r"].tolist()) == (np.int64, [1.0, 1.0])
        for index in (0, 1):
            wanted = {key: value for key, value in info_of(infos[first + index]).items() if key[0] != "_"}
            found = {
                key: last[key][index]
                for key in last.keys() - {"task", "context", "episode"}
                if key[0] != "_" and last[f"_{key}"][index]
            }
            assert found.keys() == wanted.keys()
            for key, value in wanted.items():
                np.testing.assert_array_equal(found[key], value)


@pytest.mark.parametrize(
    ("space", "sent", "wanted"),
    [
        (spaces.Discrete(3, start=1), [0, np.int64(2)], [1, 3]),
        (spaces.MultiDiscrete([2, 2], start=np.array([1, -1])), [np.array([0, 1])], [[1, 0]]),
        (spaces.Discrete(3), [1], [1]),
    ],
)
def test_actions_are_counted_as_the_base_does(space: Any, sent: list[Any], wanted: list[Any]) -> None:
    env = family_of(action_space=space).make()
    env.reset()
    for action in sent:
        assert env.action_space.contains(action)
        env.step(action)
    base: Any = env.base
    np.testing.assert_array_equal(base.acted, wanted)
    assert all(space.contains(action) for action in base.acted)


def raising(error: BaseException) -> Callable[[], Any]:
    def fail() -> Any:
        raise error

    return fail


ENDED = gym.error.ResetNeeded("the episode has ended")


@pytest.mark.parametrize(
    "error", [ValueError("too far"), SystemExit(0), StopIteration(), KeyError("x"), ENDED, BaseException("!")]
)
def test_a_failing_base_is_named_with_task_and_step(error: BaseException) -> None:
    env = family_of(fails=raising(error)).make()
    env.reset(options={"context": {"gain": 1.5}})
    env.step(np.zeros(1, np.float32))
    where = r"test_adapter.py, line \d+\) \(task gain=1.5, step 2 of an episode\)$"
    said = rf"^the base environment failed: {type(error).__name__}.*{where}"
    with pytest.raises(BaseEnvironmentError, match=said) as told:
        env.step(np.zeros(1, np.float32))
    assert "in fail\n" in told.value.trace


@pytest.mark.parametrize(("reads", "when"), [(False, "attributes are read"), (True, "the task is set")])
def test_a_property_that_fails_is_the_bases_failure(reads: bool, when: str) -> None:
    class Guarded(Base):
        @property
        def load(self) -> float:
            if not reads:
                raise RuntimeError("not ready")
            return 1.0

        @load.setter
        def load(self, value: float) -> None:
            raise RuntimeError("too much")

    with pytest.raises(BaseEnvironmentError, match=rf"RuntimeError: .*\(task load=1, as .*{when}\)$"):
        contextualize(Guarded, {"load": {"train": [0.5, 2.0], "default": 1.0}}).make()


def test_velocities_that_are_no_numbers_are_the_bases_failure() -> None:
    info = {"x_velocity": np.ones(2), "reward_forward": 1.0}
    speed = {"train": [0.5, 2.0], "default": 1.0, "reward": "velocity"}
    env = contextualize(lambda: Base(info=info), {"speed": speed}).make()
    env.reset()
    with pytest.raises(BaseEnvironmentError, match=r"TypeError.*\(task speed=\S+, step 1 of an episode\)$"):
        env.step(np.zeros(1, np.float32))


@pytest.mark.parametrize("error", [UserError("mine"), KeyboardInterrupt()])
def test_what_is_not_the_bases_failure_stays_what_it_is(error: BaseException) -> None:
    env = family_of(fails=raising(error)).make()
    env.reset()
    env.step(np.zeros(1, np.float32))
    with pytest.raises(type(error)):
        env.step(np.zeros(1, np.float32))


def test_a_step_before_the_first_reset_is_the_callers_mistake() -> None:
    with pytest.raises(gym.error.ResetNeeded):
        gym.make("hyperrl/pendulum-v0").unwrapped.step(np.zeros(1, np.float32))


def test_a_base_that_cannot_draw_is_named() -> None:
    env = family_of().make()
    env.reset()
    with pytest.raises(BaseEnvironmentError, match=r"NotImplementedError.*a picture"):
        env.render()


def test_a_space_that_a_task_changes_is_refused() -> None:
    class Growing(Base):
        def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
            self.observation_space = spaces.Box(-9, 9, (int(self.gain),), np.float32)
            super().reset(seed=seed)
            return np.zeros(int(self.gain), np.float32), {}

    features = {"gain": {"train": [1, 3], "values": [1, 2, 3], "at": "reset", "default": 2}}
    splits = {
        "train": {"list": [{"gain": 1}]},
        "validation": {"list": [{"gain": 2}]},
        "interpolation": {"list": [{"gain": 3}]},
    }
    with pytest.raises(
        UserError, match=r"feature 'gain' at 1: .*has shape \(1,\); allowed: \(2,\), as its space"
    ):
        check_family(contextualize(Growing, features, splits=splits))


def test_the_time_limit_stands_in_the_specification() -> None:
    assert gym.make("hyperrl/pendulum-v0").spec.max_episode_steps == 200  # type: ignore[union-attr]
    assert gym.make("hyperrl/cartpole-v0").spec.max_episode_steps == 500  # type: ignore[union-attr]
