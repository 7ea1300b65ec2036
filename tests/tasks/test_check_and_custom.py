"""`check_family`: what it proves and what it refuses; `contextualize`: families without an id."""

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

import hyperrl
from hyperrl.errors import UserError
from hyperrl.recipes import Feature, parse_family
from hyperrl.tasks import Family, check_family
from tests.suite import playable


@pytest.mark.parametrize("name", playable())
def test_the_shipped_families_pass(name: str) -> None:
    family = Family.load(name)
    rows = check_family(family)
    assert [row.subject for row in rows] == ["splits", *(f"feature {each}" for each in family.space.names)]
    paid = ("point-goal", "half-cheetah-velocity", "ant-direction")
    changed = "reward" if name in paid else "transition"
    assert all(changed in row.detail for row in rows[1:])


def family_of(base: str, attribute: str, train: tuple[float, float], **more: Any) -> Family:
    feature = {"about": "a feature", "default": train[0], "train": train, "attribute": attribute}
    return Family(
        parse_family(
            {"name": "mine", "about": "mine", "base": base, "features": {"this": feature}, **more}, "test"
        )
    )


@pytest.mark.parametrize(
    ("base", "attribute", "train"),
    [
        ("Acrobot-v1", "LINK_LENGTH_2", (0.5, 1.5)),
        ("Pendulum-v1", "screen_dim", (400, 600)),
    ],
)
def test_a_dead_feature_is_refused(base: str, attribute: str, train: tuple[float, float]) -> None:
    with pytest.raises(
        UserError, match=f"feature 'this' .*{attribute}.* changes neither transition nor reward"
    ) as told:
        check_family(family_of(base, attribute, train))
    assert "\n" not in str(told.value)


def test_a_derived_attribute_left_out_is_named() -> None:
    about = {"about": "x", "default": 1.0, "train": [0.5, 2.0]}
    data: dict[str, Any] = {
        "name": "mine",
        "about": "mine",
        "base": "CartPole-v1",
        "features": {"masspole": about, "masscart": about},
    }
    with pytest.raises(UserError, match=r"feature 'masspole' .* leaves 'total_mass' stale"):
        check_family(Family(parse_family(data, "test")))
    data["derived"] = {"total_mass": {"sum": ["masspole", "masscart"]}}
    with pytest.raises(UserError, match=r"feature 'masspole' .* leaves 'polemass_length' stale"):
        check_family(Family(parse_family(data, "test")))
    data["derived"]["polemass_length"] = {"product": ["masspole", "length"]}
    check_family(Family(parse_family(data, "test")))


class Faulty(gym.Env[Any, Any]):
    """An environment with one fault of each kind."""

    observation_space = gym.spaces.Box(-1e6, 1e6, (1,), np.float64)
    action_space = gym.spaces.Discrete(2)

    def __init__(self, render_mode: str | None = None) -> None:
        self.good, self.reverts, self.leaks, self.starts, self.paid = 1.0, 1.0, 1.0, 1.0, 1.0
        self.worst, self.random, self.render_mode = 0.0, 0.0, render_mode

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.reverts = 1.0
        self.x = self.starts - 1.0
        return np.array([self.x]), {}

    def step(self, action: int) -> Any:
        self.worst = max(self.worst, self.leaks)
        noise = np.random.default_rng().normal() if self.random else 0.0
        self.x += self.good * self.reverts * self.worst * (action - 0.5) + noise
        return np.array([self.x]), self.paid, self.x > 5.0, False, {}


def faulty(feature: str, **more: Any) -> Family:
    train = (0.5, 2.0)
    return hyperrl.contextualize(Faulty, {feature: {"train": train, "default": 1.0}}, max_steps=30, **more)


@pytest.mark.parametrize(
    ("feature", "says"),
    [
        ("reverts", "does not survive a reset"),
        ("leaks", "leaks"),
        ("starts", "changes the start state alone"),
        ("random", "one seed gives the base environment different transitions"),
    ],
)
def test_other_faults_are_refused(feature: str, says: str) -> None:
    with pytest.raises(UserError, match=says):
        check_family(faulty(feature))


@pytest.mark.parametrize(("feature", "found"), [("good", "transition"), ("paid", "reward")])
def test_what_a_feature_changes_is_told(feature: str, found: str) -> None:
    assert f"changes the {found}" in check_family(faulty(feature))[1].detail


def test_splits_that_overlap_are_refused() -> None:
    family = family_of("CartPole-v1", "gravity", (5, 15), splits={"train": {"sample": 4}})
    task = family.tasks("train")[0]
    wrong = family_of(
        "CartPole-v1", "gravity", (5, 15), splits={"train": {"sample": 4}, "validation": {"list": [task]}}
    )
    with pytest.raises(UserError, match="'validation' lists this="):
        check_family(wrong)


def test_a_family_of_an_environment_without_an_id() -> None:
    family = hyperrl.contextualize(
        Faulty,
        {
            "good": {"train": (0.5, 2.0)},
            "paid": Feature(about="reward of a step", default=2.0, train=(1.0, 3.0)),
        },
        name="by-hand",
        splits={"train": {"list": [{"good": 0.5}, {"good": 2.0}]}},
        max_steps=30,
        evaluation={"episodes": 2},
    )
    assert family.name == "by-hand"
    assert family.space.default == {"good": 1.0, "paid": 2.0}
    assert len(family.tasks("interpolation")) == 32
    env = family.make("train")
    assert env.reset(seed=0)[1]["context"]["good"] in (0.5, 2.0)
    batch = family.make_vec(3)
    batch.reset(seed=0)
    for _ in range(30):
        *_, truncated, infos = batch.step(np.zeros(3, int))
    assert truncated.all()
    assert infos["final_info"]["episode"]["r"].tolist() == [60.0] * 3
    assert infos["final_info"]["episode"]["l"].tolist() == [30] * 3


def test_derived_attributes_by_hand() -> None:
    family = hyperrl.contextualize(
        lambda **given: gym.make("CartPole-v1", **given),
        {"masscart": {"train": (0.5, 2.0)}},
        derived={"total_mass": {"sum": ["masspole", "masscart"]}},
    )
    check_family(family)
    env = family.make(render_mode="rgb_array")
    env.reset(seed=0)
    assert np.asarray(env.render()).ndim == 3
    env.close()


@pytest.mark.parametrize(
    ("features", "says"),
    [
        ({"god": {"train": (0.5, 2.0)}}, "feature 'god'.*Faulty has no attribute 'god'"),
        ({"god": {"train": (0.5, 2.0), "default": 1.0}}, "'god', which Faulty lacks; did you mean 'good'"),
        ({"good": {"train": (2.0, 0.5)}}, "contextualize: features.good.train"),
        ({"good": {"train": (0.5, 2.0), "trane": 1}}, "unknown field"),
        ({}, "features"),
    ],
)
def test_wrong_features_by_hand_are_refused(features: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError, match=says):
        hyperrl.contextualize(Faulty, features)
