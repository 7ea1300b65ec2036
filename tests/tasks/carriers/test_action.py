"""Features that scale actions."""

from typing import Any

import numpy as np
import pytest

from hyperrl.errors import UserError
from hyperrl.recipes import parse_family
from hyperrl.tasks import Family
from hyperrl.tasks.vector import BatchedEnv
from tests.suite import playable


def family_of(base: str, features: dict[str, Any], **more: Any) -> Family:
    filled = {name: {"about": name, **feature} for name, feature in features.items()}
    return Family(
        parse_family({"name": "mine", "about": "mine", "base": base, "features": filled, **more}, "test")
    )


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


def test_an_action_that_cannot_be_scaled_is_not_the_bases_failure() -> None:
    factor = {"default": 1.0, "train": [0.5, 2.0], "scales": "action"}
    env = family_of("Pendulum-v1", {"strength": factor}).make_default()
    env.reset(seed=0)
    with pytest.raises(TypeError):
        env.step(np.array(["left"]))


@pytest.mark.parametrize("name", playable(["half-cheetah-actuator"]))
def test_an_inverted_motor_undoes_an_inverted_action(name: str) -> None:
    env = Family.load(name).make_default()
    outcomes = []
    for sign in (1.0, -1.0):
        env.reset(seed=0, options={"context": {"action_sign": sign, "friction": 1.2}})
        env.action_space.seed(0)
        outcomes.append(
            [env.step((sign * env.action_space.sample()).astype(np.float32))[0]["obs"] for _ in range(20)]
        )
    np.testing.assert_array_equal(outcomes[0], outcomes[1])
