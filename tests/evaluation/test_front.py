"""The front of an agent: its points, its objectives, and what is chosen by which starts."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hyperrl.errors import UserError
from hyperrl.evaluation.front import (
    front_request,
    play_front,
    summarize_front,
    weight_features,
    weight_points,
)
from hyperrl.recipes import load_agent, parse_family, resolve
from hyperrl.tasks import Family

pytest.importorskip("moocore")
EFFORT = {"about": "a", "default": 1, "train": [0, 100], "weighs": "reward_effort"}
MASS = {"about": "a", "default": 1, "train": [0.5, 2], "attribute": "m"}


def family_of(**features: Mapping[str, Any]) -> Family:
    return Family(
        parse_family({"name": "mine", "about": "a", "base": "Pendulum-v1", "features": features}, "test")
    )


def share(term: str) -> dict[str, Any]:
    return {**EFFORT, "train": [0, 1], "weighs": term}


def test_weights_of_several_features_sum_to_one() -> None:
    two = family_of(a=share("reward_effort"), b=share("reward_error"))
    assert weight_features(two) == ("a", "b")
    assert weight_points(two, ("a", "b"), 3) == [{"a": 1, "b": 0}, {"a": 0.5, "b": 0.5}, {"a": 0, "b": 1}]
    three = family_of(**{name: share(f"reward.{place}") for place, name in enumerate("abc")})
    points = weight_points(three, ("a", "b", "c"), 20)
    assert len(points) == 20
    assert {"a": 0, "b": 1, "c": 0} in points
    assert all(sum(point.values()) == pytest.approx(1) for point in points)
    assert points == weight_points(three, ("a", "b", "c"), 20)


def test_others_are_on_a_grid_over_their_training_ranges() -> None:
    one = family_of(a=EFFORT, m=MASS)
    assert weight_points(one, ("a",), 3) == [{"a": 0}, {"a": 50}, {"a": 100}]
    listed = family_of(a={**EFFORT, "values": [0, 1, 100]})
    assert weight_points(listed, ("a",), 50) == [{"a": 0}, {"a": 1}, {"a": 100}]
    two = family_of(a=EFFORT, b={**EFFORT, "weighs": "reward_error"})
    assert len(weight_points(two, ("a", "b"), 9)) == 9


class Thrifty:
    """Pushes the less, the more effort counts."""

    def __call__(self, observation: Mapping[str, Any]) -> Any:
        return (1.0 - observation["context"][:, :1]).astype(np.float32)


def test_the_front_is_chosen_by_other_starts_than_it_is_reported_by() -> None:
    family = family_of(a=EFFORT, m=MASS)
    request = front_request(family, 5, {"m": 1.5}, {"rest": -2500.0}, episodes=3, seed=4)
    objectives, points, chosen = play_front(Thrifty(), family, request)
    assert objectives == ("reward_effort", "rest")
    assert [point.context["a"] for point in points] == [0, 25, 50, 75, 100]
    assert {point.context["m"] for point in points} == {1.5}
    assert points[0].returns["reward_effort"] == pytest.approx(-0.001 * 4 * 200, rel=1e-5)
    assert points[-1].returns["reward_effort"] == 0
    for point in points:
        weighed = point.context["a"] * point.returns["reward_effort"] + point.returns["rest"]
        assert point.weighed == pytest.approx(weighed, rel=1e-6)
    assert not np.isclose(chosen[:, 1], [point.returns["rest"] for point in points]).any()
    reference, volume, knee = summarize_front(objectives, points, chosen, request.reference)
    assert reference["rest"] == -2500
    assert reference["reward_effort"] < -0.8
    assert volume > 0
    assert points[knee].on_front
    assert points[-1].on_front  # nothing takes less effort


@pytest.mark.parametrize(
    ("context", "reference", "message"),
    [
        ({"a": 1}, None, "unknown feature that is no weight 'a'; known: m"),
        ({"mass": 1}, None, "unknown feature that is no weight 'mass'"),
        ({}, {"speed": 1}, "unknown objective 'speed'"),
    ],
)
def test_wrong_names_are_refused(context: Any, reference: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        front_request(family_of(a=EFFORT, m=MASS), 5, context, reference, 1, 0)


CUT = """
import gymnasium as gym


class Cut(gym.Wrapper):
    def step(self, action):
        return *self.env.step(action)[:4], {}
"""


def test_infos_that_a_wrapper_leaves_out_are_named(tmp_path: Path) -> None:
    (tmp_path / "cut.py").write_text(CUT)
    family = family_of(a=EFFORT)
    request = front_request(family, 2, {}, None, episodes=1, seed=0)
    recipe = resolve(load_agent("hyper-ppo"), family.recipe, [f"wrappers=[{tmp_path}/cut.py:Cut]"])
    with pytest.raises(UserError, match="found infos without the returns of terms"):
        play_front(Thrifty(), family.for_agent(recipe), request)


def test_a_family_without_weights_has_no_front() -> None:
    with pytest.raises(UserError, match="family 'pendulum': found no feature that weighs a term"):
        weight_features(Family.load("pendulum"))
