"""Fields that say how a feature reaches the simulator, and contradict each other."""

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


def signed(**more: Any) -> dict[str, Any]:
    return {"default": 1.0, "train": [-1.0, 1.0], **more}


def ordered(**more: Any) -> dict[str, Any]:
    orders = {"permutations": [[0, 1], [1, 0]]}
    return {"default": 0.0, "train": [0.0, 1.0], "values": [0.0, 1.0], **orders, **more}


@pytest.mark.parametrize(
    ("features", "says"),
    [
        ({"a": signed(scales="actions")}, "features.a.scales"),
        ({"a": signed(scales="action", attribute="mass")}, "features.a.scales: found beside attribute"),
        ({"a": signed(scales="action.0"), "b": signed(scales="action.0")}, "features.b.scales: action.0 is"),
        (
            {"a": ordered(permutations=[[0, 1], [1, 1]])},
            r"a.permutations.1: found \[1, 1\]; allowed: each of 0 to 1",
        ),
        ({"a": ordered(permutations=[[0, 1], [1, 2]])}, "a.permutations.1.*allowed: each of 0 to 1 once"),
        ({"a": ordered(permutations=[[0], [0]])}, "a.permutations.0.*allowed: at least 2 of them"),
        ({"a": ordered(permutations=[[0, 1], [1, 0.5]])}, "a.permutations.1.1.*allowed: a whole number"),
        (
            {"a": ordered(permutations=[[0, 1], [0, 2, 1]])},
            "a.permutations.1.*allowed: 2 entries, as the first",
        ),
        (
            {"a": ordered(permutations=[[1, 0], [1, 0]])},
            "a.permutations.1.*in an order that none before it has",
        ),
        ({"a": ordered(permutations=[[1, 0]])}, "a.permutations: found.*allowed: as many as 'values'"),
        ({"a": signed(permutations=[[0, 1], [1, 0]])}, "a.permutations: found.*allowed: as many as 'values'"),
        ({"a": ordered(), "b": ordered()}, "features.b.permutations: the order of an action's entries is"),
        ({"a": ordered(scales="action")}, "a.scales: found beside permutations; allowed: one of them"),
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
