"""How far from the start `check` looks for a feature's effect."""

from typing import Any

import gymnasium as gym
import pytest

import hyperrl
from hyperrl.errors import UserError
from hyperrl.recipes import parse_family
from hyperrl.tasks import Family, check_family
from tests.tasks.faulty import Far, Faulty


def family_of(base: str, attribute: str, train: tuple[float, float], **more: Any) -> Family:
    feature = {"about": "a feature", "default": train[0], "train": train, "attribute": attribute}
    return Family(
        parse_family(
            {"name": "mine", "about": "mine", "base": base, "features": {"this": feature}, **more}, "test"
        )
    )


def faulty(feature: str, **more: Any) -> Family:
    train = (0.5, 2.0)
    return hyperrl.contextualize(Faulty, {feature: {"train": train, "default": 1.0}}, max_steps=30, **more)


FAR = "tests.tasks.faulty:hyperrl-tests/Far-v0"


def test_what_random_steps_do_not_reach_is_reported_as_such() -> None:
    """And shown by actions that lead there, in turn and over and over."""
    with pytest.raises(UserError, match=r"is not read, or not reached in 1,500 random steps; .*'check:"):
        check_family(family_of(FAR, "weight", (1, 2)))
    with pytest.raises(UserError, match=r"in 1,500 random and 600 given steps"):
        check_family(family_of(FAR, "weight", (1, 2), check={"actions": [1, 0]}))
    rows = check_family(family_of(FAR, "weight", (1, 2), check={"actions": [1]}))
    assert rows[1].detail == "changes the transition (1.1 against 1.9, seed 0)"


def test_a_family_by_hand_gives_actions_too() -> None:
    features = {"weight": {"train": (1.0, 2.0)}}
    check_family(hyperrl.contextualize(Far, features, max_steps=200, check={"actions": [1]}))


def test_actions_are_counted_as_the_base_does() -> None:
    """The base's own first action is 1, its second leads to where the feature counts."""

    class FromOne(Far):
        action_space = gym.spaces.Discrete(2, start=1)

        def step(self, action: int) -> Any:
            return super().step(int(action) - 1)

    features = {"weight": {"train": (1.0, 2.0)}}
    check_family(hyperrl.contextualize(FromOne, features, max_steps=200, check={"actions": [2]}))
    with pytest.raises(UserError, match=r"check.actions.0: found 0.0; allowed: an action of Discrete\(2, st"):
        check_family(hyperrl.contextualize(FromOne, features, max_steps=200, check={"actions": [0]}))


def test_random_actions_are_held_to_get_further() -> None:
    rows = check_family(family_of(FAR, "weight", (1, 2), kwargs={"place": 30}))
    assert rows[1].detail.startswith("changes the transition")


@pytest.mark.parametrize(
    ("base", "attribute", "actions", "says"),
    [
        (FAR, "weight", [1, 2], r"check.actions.1: found 2.0; allowed: an action of Discrete\(2\)"),
        (FAR, "weight", [0.5], r"check.actions.0: found 0.5; allowed"),
        (FAR, "weight", [[1, 0]], r"check.actions.0: found \[1.0, 0.0\]; allowed"),
        ("Pendulum-v1", "m", [[1], [3]], r"check.actions.1: found \[3.0\]; allowed: an action of Box"),
        ("Pendulum-v1", "screen_dim", [[3]], r"check.actions.0: found \[3.0\]; allowed: an action of Box"),
    ],
)
def test_actions_that_the_environment_does_not_take_are_refused(
    base: str, attribute: str, actions: list[Any], says: str
) -> None:
    with pytest.raises(UserError, match=says):
        check_family(family_of(base, attribute, (1, 2), check={"actions": actions}))
