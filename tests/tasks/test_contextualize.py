"""Families that a call of Python makes of an environment without an id."""

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

import hyperrl
from hyperrl.errors import UserError
from hyperrl.recipes import Feature, parse_family
from hyperrl.tasks import Family, check_family, contextualize
from tests.tasks.bases import Counting
from tests.tasks.faulty import Faulty


def family_of(base: str, attribute: str, train: tuple[float, float], **more: Any) -> Family:
    feature = {"about": "a feature", "default": train[0], "train": train, "attribute": attribute}
    return Family(
        parse_family(
            {"name": "mine", "about": "mine", "base": base, "features": {"this": feature}, **more}, "test"
        )
    )


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (
            {"random": float("inf")},
            "allowed: true, false, a finite number, text, lists and mappings of these",
        ),
        ({0: 1}, "kwargs.task: found 0; allowed: text as the name of an entry"),
        ([[[[[[[[[[[1]]]]]]]]]]], "kwargs.task: .*; allowed: lists and mappings at most 10 deep"),
        ({"a": [None]}, "found null; allowed: true, false"),
    ],
)
def test_arguments_that_no_file_holds_are_refused(value: Any, says: str) -> None:
    with pytest.raises(UserError, match=says):
        family_of("CartPole-v1", "gravity", (5, 15), kwargs={"task": value})


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


def test_a_truth_value_is_a_default() -> None:
    family = contextualize(Counting, {"flag": {"train": [0, 1], "values": [0, 1]}})
    assert family.space.default == {"flag": 1.0}
