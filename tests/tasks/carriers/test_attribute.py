"""Attributes that carry features: whole numbers stay whole, and what holds no number is refused."""

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from hyperrl.errors import UserError
from hyperrl.recipes import parse_family
from hyperrl.tasks import Family, check_family, paths
from tests.tasks.bases import Sizes, counting


@pytest.mark.parametrize(
    ("attribute", "kind"),
    [
        ("plain", int),
        ("wide", np.int64),
        ("byte", np.uint8),
        ("lone", np.ndarray),
        ("counts.0", int),
        ("goal.0", np.int64),
        ("config.lanes", int),
        ("pair.0", int),
        ("named.sizes.-1", int),
    ],
)
def test_a_whole_number_of_any_type_stays_whole(attribute: str, kind: type) -> None:
    family = counting(attribute, [1, 3, 5])
    assert len(check_family(family)) == 2
    env = family.make_default()
    env.reset(options={"context": {"n": 3}})
    base: Any = env.base
    value = paths.read(base, attribute)
    assert type(value) is kind
    assert value == 3
    assert isinstance(base.named["sizes"], Sizes)


def test_a_count_without_whole_values_is_refused() -> None:
    data = {"name": "mine", "about": "x", "base": "hyperrl-tests/counting-v0"}
    feature = {"about": "x", "default": 1, "train": [1, 5], "attribute": "wide"}
    family = Family(parse_family({**data, "features": {"n": feature}}, "test"))
    with pytest.raises(UserError, match=r"'n' at 2.7284: .* TypeError: .*is a whole number; allowed: whole"):
        check_family(family)


@pytest.mark.parametrize(("attribute", "kind"), [("flag", bool), ("truth", np.bool_), ("loose", float)])
def test_other_types_are_kept_too(attribute: str, kind: type) -> None:
    env = counting(attribute, [0, 1]).make_default()
    env.reset(options={"context": {"n": 0}})
    assert type(getattr(env.base, attribute)) is kind
    assert env.find_undone() is None


def test_a_value_that_its_type_cannot_hold_is_refused() -> None:
    with pytest.raises(UserError, match=r"Counting.byte cannot be set to 300: "):
        counting("byte", [1, 300]).make_default().reset(options={"context": {"n": 300}})


@pytest.mark.parametrize(
    ("attribute", "says"),
    [
        ("goal", r"needs a number; 'goal' holds 4 entries; allowed: one of its entries, goal.0, .* \.\.\."),
        ("counts", r"'counts' holds 2 entries; allowed: one of its entries, counts.0, counts.1"),
        ("config", r"'config' holds 1 entry; allowed: one of its entries, config.lanes"),
        ("config.lane", "'config.lane', which Counting lacks; did you mean 'lanes'"),
        ("loos", "'loos', which Counting lacks; did you mean 'loose'"),
        ("x", "'x', which Counting lacks before a reset; allowed: 'at: start', which sets it after each"),
        ("text", "'text' holds text"),
        ("step", "'step' holds a function"),
        ("action_space", "'action_space' holds an object of type (Box|Discrete)$"),
    ],
)
def test_what_is_no_number_carries_no_feature(attribute: str, says: str) -> None:
    with pytest.raises(UserError, match=says):
        counting(attribute, [1, 3]).make_default()


def family_of(base: str, features: dict[str, Any], **more: Any) -> Family:
    filled = {name: {"about": name, **feature} for name, feature in features.items()}
    return Family(
        parse_family({"name": "mine", "about": "mine", "base": base, "features": filled, **more}, "test")
    )


def test_attributes_are_set_and_derived_ones_recomputed() -> None:
    env = Family.load("cartpole").make_default()
    env.reset(options={"context": {"masscart": 2.0, "masspole": 0.3, "length": 1.2}})
    base: Any = env.base
    assert (base.masscart, base.masspole, base.length) == (2.0, 0.3, 1.2)
    assert base.total_mass == 2.3
    assert base.polemass_length == 0.3 * 1.2
    env.reset()
    assert (base.total_mass, base.polemass_length) == (1.1, 0.05)


def test_a_derived_attribute_may_read_one_that_no_feature_sets() -> None:
    feature = {"masscart": {"default": 1.0, "train": [0.5, 2.0]}}
    env = family_of(
        "CartPole-v1", feature, derived={"total_mass": {"sum": ["masspole", "masscart"]}}
    ).make_default()
    env.reset(options={"context": {"masscart": 1.5}})
    assert env.base.total_mass == 0.1 + 1.5  # type: ignore[attr-defined]


def test_a_whole_attribute_stays_whole() -> None:
    """What the base keeps as a whole number (a count) is not turned into a float where the value is whole."""
    feature = {"default": 8, "train": [4, 12], "attribute": "max_speed"}
    env = family_of(
        "Pendulum-v1", {"speed": feature, "m": {"default": 1, "train": [1, 2]}}, kwargs={"g": 9.0}
    ).make()
    base: Any = env.base
    for speed, kind in ((6.0, int), (6.5, float), (7.0, int)):
        env.reset(options={"context": {"speed": speed, "m": 2.0}})
        assert base.max_speed == speed
        assert (type(base.max_speed), type(base.m)) == (kind, float)


class Nested(gym.Env[Any, Any]):
    """A base whose observation is a dictionary, and whose reset needs the task."""

    def __init__(self, key: str = "position", render_mode: str | None = None) -> None:
        self.observation_space = gym.spaces.Dict(
            {key: gym.spaces.Box(-1, 1, (2,)), "time": gym.spaces.Discrete(9)}
        )
        self.action_space = gym.spaces.Discrete(2)
        self.key, self.gain, self.render_mode = key, 1.0, render_mode

    @property
    def fixed(self) -> float:
        return 1.0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        return {self.key: np.full(2, 0.1 * self.gain, np.float32), "time": 0}, {"options": options}

    def step(self, action: Any) -> Any:
        return {self.key: np.zeros(2, np.float32), "time": 1}, self.gain, False, False, {"key": "value"}


gym.register("hyperrl-tests/nested-v0", entry_point=f"{__name__}:Nested", max_episode_steps=5)


def test_a_dictionary_keeps_its_keys() -> None:
    family = family_of("hyperrl-tests/nested-v0", {"gain": {"default": 1.0, "train": [0.5, 2.0]}})
    env = family.make_default()
    seen, info = env.reset(options={"context": {"gain": 2.0}})
    assert set(seen) == set(env.observation_space.spaces) == {"position", "time", "context"}
    assert env.observation_space.contains(seen)
    assert seen["position"][0] == np.float32(0.2)
    assert info["options"] is None
    assert env.step(0)[4] == {"key": "value", "task": -1, "context": {"gain": 2.0}}
    batch = family.make_vec(2)
    assert set(batch.reset()[0]) == {"position", "time", "context"}
    clash = family_of(
        "hyperrl-tests/nested-v0", {"gain": {"default": 1.0, "train": [0.5, 2.0]}}, kwargs={"key": "context"}
    )
    with pytest.raises(UserError, match="a key 'context' already"):
        clash.make()


@pytest.mark.parametrize(
    ("base", "attribute", "says"),
    [
        (
            "CartPole-v1",
            "mascart",
            r"feature 'this' .*'mascart', which CartPoleEnv lacks; did you mean 'masscart'",
        ),
        ("Pendulum-v1", "gravity", r"'gravity', which PendulumEnv lacks"),
        ("hyperrl-tests/nested-v0", "fixed", r"Nested.fixed cannot be set"),
    ],
)
def test_an_attribute_that_cannot_carry_the_feature_is_refused(base: str, attribute: str, says: str) -> None:
    family = family_of(base, {"this": {"default": 1.0, "train": [0.5, 2.0], "attribute": attribute}})
    for make in (family.make, lambda: family.make_vec(2)):
        with pytest.raises(UserError, match=says):
            make()


def test_a_goal_that_a_reset_draws_is_replaced() -> None:
    """With `at: start` the task's goal outlives the reset; without it `check` tells that it does not."""
    feature = {"about": "goal", "default": 0.0, "train": [-1, 1], "attribute": "goal.0"}
    data: dict[str, Any] = {"name": "mine", "about": "mine", "base": "hyperrl-tests/drawing-v0"}
    check_family(Family(parse_family({**data, "features": {"g": {**feature, "at": "start"}}}, "test")))
    with pytest.raises(UserError, match="does not survive a reset"):
        check_family(Family(parse_family({**data, "features": {"g": feature}}, "test")))


class Drawing(gym.Env[Any, Any]):
    """Draws a goal at each reset, as goal environments do."""

    observation_space = gym.spaces.Box(-np.inf, np.inf, (1,))
    action_space = gym.spaces.Box(-1, 1, (1,))

    def __init__(self, render_mode: str | None = None) -> None:
        self.goal, self.render_mode = np.zeros(1), render_mode

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.goal = self.np_random.uniform(-1, 1, 1)
        self.x = 0.0
        return np.zeros(1, np.float32), {}

    def step(self, action: Any) -> Any:
        self.x += float(action[0])
        return np.array([self.x], np.float32), -abs(self.x - self.goal[0]), False, False, {}


gym.register("hyperrl-tests/drawing-v0", entry_point=f"{__name__}:Drawing", max_episode_steps=20)
