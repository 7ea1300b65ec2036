"""Families make their base environments."""

from typing import Any

import pytest

from hyperrl.errors import UserError
from hyperrl.recipes import parse_family
from hyperrl.tasks import Family


def family_of(base: str, features: dict[str, Any], **more: Any) -> Family:
    filled = {name: {"about": name, **feature} for name, feature in features.items()}
    return Family(
        parse_family({"name": "mine", "about": "mine", "base": base, "features": filled, **more}, "test")
    )


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
