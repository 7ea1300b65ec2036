"""How a task reaches the base environment, and how it stays there."""

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from stable_baselines3.common.vec_env import DummyVecEnv

from hyperrl.errors import UserError
from hyperrl.recipes import parse_family
from hyperrl.tasks import ContextualEnv, Family, TaskSampler, check_family
from hyperrl.tasks.vector import BatchedEnv


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


def test_infos_carry_raw_values_and_observations_the_descriptor() -> None:
    env = Family.load("pendulum").make(sampler=TaskSampler([{"m": 2.0, "l": 0.5}], seed=0))
    seen, info = env.reset(seed=0)
    assert info["context"] == {"m": 2.0, "l": 0.5, "g": 10.0}
    np.testing.assert_array_equal(seen["context"], np.array([1.0, -1.0, 0.0], np.float32))
    assert set(seen) == {"obs", "context"}
    for step in range(200):
        seen, _, _, truncated, info = env.step(env.action_space.sample())
        assert info == {"task": 0, "context": {"m": 2.0, "l": 0.5, "g": 10.0}}
        assert truncated == (step == 199)
    info["context"]["m"] = 99.0
    assert env.reset()[1]["context"]["m"] == 2.0


def test_a_context_given_to_reset_is_for_that_episode() -> None:
    env = Family.load("ode").make(sampler=TaskSampler([{"c0": 1.0}, {"c0": 5.0}], "round-robin"))
    assert env.reset()[1]["context"] == {"c0": 1.0}
    given = env.reset(options={"context": {"c0": -7.0}, "x": 0.5})
    assert given[1]["context"] == {"c0": -7.0}
    assert given[1]["task"] == -1
    assert given[0]["obs"] == [0.5]
    assert env.reset()[1]["context"] == {"c0": 5.0}


@pytest.mark.parametrize("number", [float("nan"), float("inf"), "fast", None])
def test_a_context_that_is_not_finite_is_refused(number: Any) -> None:
    env = Family.load("ode").make_default()
    with pytest.raises(UserError, match=r"c0 is .*a finite number is needed"):
        env.reset(options={"context": {"c0": number}})


@pytest.mark.parametrize("number", [float("nan"), 21.0, "left"])
def test_a_start_outside_the_observation_space_is_refused(number: Any) -> None:
    with pytest.raises(UserError, match=r"reset option 'x' is .*\[-20, 20\]"):
        Family.load("ode").make_default().reset(options={"x": number})


def test_the_context_survives_sb3s_automatic_reset() -> None:
    sampler = TaskSampler([{"force_mag": float(force)} for force in (5, 10, 15)], "round-robin")
    family = Family.load("cartpole")
    envs = DummyVecEnv([lambda: family.make(sampler=sampler)] * 2)
    envs.seed(0)
    envs.reset()
    played = [[env.base.force_mag] for env in envs.envs]  # type: ignore[attr-defined]
    for _ in range(60):
        seen, _, dones, infos = envs.step(np.ones(2, int))
        for i in np.flatnonzero(dones):
            assert infos[i]["context"]["force_mag"] == played[i][-1]
            played[i].append(envs.envs[i].base.force_mag)  # type: ignore[attr-defined]
        assert isinstance(seen, dict)
        expected = [2 * (forces[-1] - 5) / 15 - 1 for forces in played]
        np.testing.assert_allclose(seen["context"][:, 4], expected, rtol=1e-6)
    assert min(map(len, played)) >= 4
    assert sum(sampler.finished) == sum(map(len, played)) - 2


def test_an_owned_sampler_is_seeded_by_reset_and_a_shared_one_is_not() -> None:
    family = Family.load("cartpole")
    env = family.make()
    draws = [[env.reset(seed=3)[1]["task"], *(env.reset()[1]["task"] for _ in range(9))] for _ in range(2)]
    assert draws[0] == draws[1]
    assert len(set(draws[0])) > 3
    shared = TaskSampler(family.tasks("train"), "round-robin")
    env = family.make(sampler=shared)
    assert [env.reset(seed=0)[1]["task"] for _ in range(3)] == [0, 1, 2]


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


@pytest.mark.parametrize(
    ("base", "kwargs", "says"),
    [
        ("CartPol-v1", {}, "CartPol"),
        ("nowhere/Thing-v0", {}, "nowhere"),
        ("no_such_module:Thing-v0", {}, "no_such_module"),
        ("CartPole-v1", {"color": "red"}, "color"),
        ("hyperrl-base/ode-v0", {"dimension": 3}, "dimension is 3; 1 or 2"),
        ("hyperrl-base/ode-v0", {"force": "strong"}, "force is 'strong'; a finite number"),
        ("hyperrl-base/ode-v0", {"dimnsion": 2}, "dimnsion"),
    ],
)
def test_a_base_that_cannot_be_made_is_refused(base: str, kwargs: dict[str, Any], says: str) -> None:
    family = family_of(base, {"c0": {"default": 1.0, "train": [0.5, 2.0]}}, kwargs=kwargs)
    for make in (family.make, lambda: family.make_vec(2), lambda: family.observation_space):
        with pytest.raises(UserError, match=says) as told:
            make()
        assert "\n" not in str(told.value)


def signed(**more: Any) -> dict[str, Any]:
    return {"default": 1.0, "train": [-1.0, 1.0], **more}


@pytest.mark.parametrize(
    ("scales", "factors"),
    [
        ({"all": "action"}, [-0.5, -0.5]),
        ({"one": "action.1"}, [1.0, -0.5]),
        ({"a": "action", "b": "action.0"}, [0.25, -0.5]),
    ],
)
def test_a_feature_scales_actions(scales: dict[str, str], factors: list[float]) -> None:
    """In a single environment and in a batch alike; what leaves the action space is clipped."""
    features = {name: signed(scales=which) for name, which in scales.items()}
    family = family_of("hyperrl-base/double-integrator-v0", features)
    plain = Family.load("double-integrator").make_default()
    context = dict.fromkeys(scales, -0.5)
    env, batch = family.make_default(), family.make_vec(2, contexts=[context, {}])
    assert isinstance(batch, BatchedEnv)
    env.reset(seed=3, options={"context": context})
    plain.reset(seed=3)
    batch.reset(seed=[3, 3])
    for action in (np.array([0.5, 0.25], np.float32), np.array([-1.0, 1.0], np.float32)):
        expected = plain.step(np.clip(action * np.array(factors, np.float32), -1, 1))[0]["obs"]
        np.testing.assert_array_equal(env.step(action)[0]["obs"], expected)
        found = batch.step(np.stack([action, action]))[0]["obs"]
        np.testing.assert_array_equal(found[0], expected)
        assert (found[1] != expected).any()


def test_a_factor_beyond_the_action_space_is_clipped() -> None:
    family = family_of(
        "hyperrl-base/double-integrator-v0", {"gain": signed(train=[0.5, 4.0], scales="action")}
    )
    after = []
    for gain, push in ((4.0, 0.5), (1.0, 1.0)):
        env = family.make_default()
        env.reset(seed=0, options={"context": {"gain": gain}})
        after.append(env.step(np.full(2, push, np.float32))[0]["obs"])
    np.testing.assert_array_equal(*after)


@pytest.mark.parametrize(
    ("base", "scales", "says"),
    [
        ("CartPole-v1", "action", "an action of Discrete"),
        ("Pendulum-v1", "action.1", r"'this' scales action.1; an action has entries 0 to 0"),
    ],
)
def test_scaling_what_is_not_there_is_refused(base: str, scales: str, says: str) -> None:
    family = family_of(base, {"this": signed(scales=scales)})
    for make in (family.make, lambda: family.make_vec(2)):
        with pytest.raises(UserError, match=says):
            make()


@pytest.mark.parametrize(
    ("features", "says"),
    [
        ({"a": signed(scales="actions")}, "features.a.scales"),
        ({"a": signed(scales="action", attribute="mass")}, "features.a.scales: found beside attribute"),
        ({"a": signed(scales="action.0"), "b": signed(scales="action.0")}, "features.b.scales: action.0 is"),
        ({"a": signed(physics="mas")}, "features.a.physics"),
        ({"a": signed(physics="gravity.moon")}, "features.a.physics"),
        ({"a": signed(physics="length")}, "features.a.physics"),
        ({"a": signed(physics="mass", default=0.0)}, "features.a.default: found 0; allowed: not 0"),
        ({"a": signed(reward="speed")}, "features.a.reward"),
        ({"a": signed(reward="velocity"), "b": signed(reward="direction")}, "features.b.reward"),
    ],
)
def test_a_wrong_carrier_is_refused(features: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError, match=says):
        family_of("Pendulum-v1", features)


@pytest.mark.parametrize(
    ("feature", "says"),
    [
        (signed(physics="mass"), "'physics' needs a MuJoCo or Box2D simulator; PendulumEnv has neither"),
        (signed(reward="velocity"), "'reward: velocity' needs 'x_velocity'"),
    ],
)
def test_a_base_without_what_carries_the_feature_is_refused(feature: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError, match=says):
        check_family(family_of("Pendulum-v1", {"this": feature}))


def test_the_environment_reports_like_any_other() -> None:
    env = Family.load("ode").make()
    assert isinstance(env, ContextualEnv)
    env.reset(seed=7)
    assert env.np_random_seed == 7
    assert env.np_random is env.base.np_random
    assert "c0" in repr(env)
    given = np.random.default_rng(1)
    env.np_random = given
    assert env.base.np_random is env.np_random is given
    assert env.unwrapped is env


def test_an_action_that_cannot_be_scaled_is_not_the_bases_failure() -> None:
    factor = {"default": 1.0, "train": [0.5, 2.0], "scales": "action"}
    env = family_of("Pendulum-v1", {"strength": factor}).make_default()
    env.reset(seed=0)
    with pytest.raises(TypeError):
        env.step(np.array(["left"]))
