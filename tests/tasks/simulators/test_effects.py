"""What `check` says of quantities that have no effect in Gymnasium's MuJoCo environments."""

from typing import Any

import pytest

from hyperrl.errors import UserError
from hyperrl.recipes import parse_family
from hyperrl.tasks import Family, check_family

pytest.importorskip("mujoco")


def family_of(base: str, **carrier: Any) -> Family:
    feature = {"about": "a feature", "default": 1.0, "train": [0.5, 2.0], **carrier}
    data = {"name": "mine", "about": "mine", "base": base, "extra": "mujoco", "features": {"this": feature}}
    return Family(parse_family(data, "test"))


@pytest.mark.parametrize(
    ("base", "carrier", "says"),
    [
        ("Pusher-v5", {"physics": "friction"}, "its contacts are frictionless (condim 1)"),
        ("Pusher-v5", {"physics": "friction.e1"}, "the geom 'e1' can touch nothing"),
        ("Pusher-v5", {"physics": "gravity"}, "gravity is 0, and a factor leaves it 0"),
        ("Reacher-v5", {"physics": "gravity"}, "gravity pulls along none of the model's joints"),
        ("Reacher-v5", {"physics": "friction"}, "no two geoms of the model can touch"),
        ("Swimmer-v5", {"physics": "gravity"}, "gravity pulls along none of the model's joints"),
        ("Swimmer-v5", {"physics": "friction"}, "no two geoms of the model can touch"),
        ("Swimmer-v5", {"physics": "damping"}, "the damping is 0, and a factor leaves it 0"),
        (
            "HalfCheetah-v5",
            {"physics": "friction.floor", "train": [0.2, 1.0]},
            "a contact has the larger friction of its two geoms, which is that of what this one touches",
        ),
        ("Hopper-v5", {"attribute": "model.geom_contype.4"}, "leaves stale what MuJoCo computes from it"),
        ("Hopper-v5", {"attribute": "model.body_gravcomp.1"}, "leaves stale what MuJoCo computes from it"),
        ("Hopper-v5", {"attribute": "model.geom_margin.0"}, "leaves stale what MuJoCo computes from it"),
    ],
)
def test_what_has_no_effect_is_refused_with_the_reason(base: str, carrier: Any, says: str) -> None:
    with pytest.raises(UserError) as refused:
        check_family(family_of(base, **carrier))
    assert says in str(refused.value)


def test_the_part_of_a_range_that_has_no_effect_is_reported() -> None:
    """The floor's friction counts where it is larger than the cheetah's own."""
    *_, row = check_family(family_of("HalfCheetah-v5", physics="friction.floor"))
    assert "friction of its two geoms, which below 1 is that of what this one touches" in row.detail
    *_, row = check_family(family_of("HalfCheetah-v5", physics="friction"))
    assert "geoms" not in row.detail


def test_nothing_is_reported_of_another_simulator() -> None:
    """Of a lander's gravity, whose range lies below 0."""
    pytest.importorskip("Box2D")
    gravity = {"default": -10, "train": [-11, -4], "physics": "gravity"}
    *_, row = check_family(family_of("LunarLander-v3", **gravity))
    assert row.detail == "changes the transition (-10.3 against -7.85, seed 0)"
