"""Features that are hyperparameters of the algorithm change nothing in the environment."""

from typing import Any

import numpy as np
import pytest

from hyperrl.errors import UserError
from hyperrl.recipes import parse_family
from hyperrl.tasks import Family, check_family
from hyperrl.tasks.vector import BatchedEnv

GAMMA = {"about": "a", "default": 0.9, "train": [0.8, 0.98], "hyperparameter": "gamma"}


def family_of(**features: Any) -> Family:
    data = {"name": "mine", "about": "a", "base": "hyperrl-base/ode-v0"}
    return Family(parse_family({**data, "features": features}, "test"))


def test_an_environment_is_the_same_whatever_the_value() -> None:
    env = family_of(gamma=GAMMA).make_vec(2, contexts=[{"gamma": 0.8}, {"gamma": 0.95}])
    assert isinstance(env, BatchedEnv)
    observation, _ = env.reset(seed=[3, 3])
    for _ in range(20):
        actions = np.full((2, 2), 0.3, np.float32)
        observation, reward, *_ = env.advance(actions)
        np.testing.assert_array_equal(observation["obs"][0], observation["obs"][1])
        assert reward[0] == reward[1]
    assert observation["context"][0] != observation["context"][1]


def test_check_says_that_the_environment_lacks_it() -> None:
    rows = {row.subject: row.detail for row in check_family(family_of(gamma=GAMMA))}
    assert rows["feature gamma"].startswith("is hyperparameter gamma of the algorithm")


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ({"train": [0.5, 1.5]}, r"features.gamma.train: found \[0.5, 1.5\]; allowed: within \[0, 1\]"),
        ({"extrapolation": [-0.5, 1]}, "features.gamma.extrapolation: .*within"),
        ({"encoding": "circle"}, "features.gamma.encoding: found \"circle\"; allowed: linear"),
        ({"schedule": "jump"}, "schedule: .*'hyperparameter: gamma', which is an episode's own"),
        ({"hyperparameter": "learning_rate"}, "features.gamma.hyperparameter"),
        ({"hyperparameter": "ent_coef", "train": [-1, 1]}, "allowed: at least 0 with ent_coef"),
        ({"scales": "action"}, "allowed: one of them"),
    ],
)  # fmt: skip
def test_what_a_file_may_not_say(field: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        family_of(gamma={**GAMMA, **field})


def test_one_feature_carries_a_hyperparameter() -> None:
    with pytest.raises(UserError, match="hyperparameter gamma is carried by feature 'one' too"):
        family_of(one=GAMMA, other=GAMMA)
