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
