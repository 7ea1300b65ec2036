"""What a base environment's constructor computes from an attribute."""

from typing import Any

import pytest

import hyperrl
from hyperrl.errors import UserError
from hyperrl.recipes import parse_family
from hyperrl.tasks import Family, check_family
from tests.tasks.faulty import Configured, Faulty


def family_of(base: str, attribute: str, train: tuple[float, float], **more: Any) -> Family:
    feature = {"about": "a feature", "default": train[0], "train": train, "attribute": attribute}
    return Family(
        parse_family(
            {"name": "mine", "about": "mine", "base": base, "features": {"this": feature}, **more}, "test"
        )
    )


def test_a_derived_attribute_left_out_is_named() -> None:
    about = {"about": "x", "default": 1.0, "train": [0.5, 2.0]}
    data: dict[str, Any] = {
        "name": "mine",
        "about": "mine",
        "base": "CartPole-v1",
        "features": {"masspole": about, "masscart": about},
    }
    with pytest.raises(UserError, match=r"'masspole' .* leaves 'total_mass' and 'polemass_length' stale"):
        check_family(Family(parse_family(data, "test")))
    data["derived"] = {"total_mass": {"sum": ["masspole", "masscart"]}}
    with pytest.raises(UserError, match=r"feature 'masspole' .* leaves 'polemass_length' stale"):
        check_family(Family(parse_family(data, "test")))
    data["derived"]["polemass_length"] = {"product": ["masspole", "length"]}
    check_family(Family(parse_family(data, "test")))


def faulty(feature: str, **more: Any) -> Family:
    train = (0.5, 2.0)
    return hyperrl.contextualize(Faulty, {feature: {"train": train, "default": 1.0}}, max_steps=30, **more)


def test_a_doubled_attribute_that_is_derived_is_right() -> None:
    """As the constructor computes it; the class is afterwards as it was."""
    before = dict(vars(Faulty))
    check_family(faulty("doubled", derived={"twice": {"sum": ["doubled", "doubled"]}}))
    with pytest.raises(UserError, match=r"derived.twice: found a rule that gives 1 .* one that gives 2"):
        check_family(faulty("doubled", derived={"twice": {"product": ["doubled", "doubled"]}}))
    assert dict(vars(Faulty)) == before


@pytest.mark.parametrize("base", ["Configured", "Worded"])
@pytest.mark.parametrize("entry", ["good", "bounded"])
def test_an_entry_of_a_dictionary_is_right(base: str, entry: str) -> None:
    """Whether or not the constructor takes the dictionary as it keeps it; the class stays as it was."""
    before = dict(vars(Configured))
    check_family(family_of(f"tests.tasks.faulty:hyperrl-tests/{base}-v0", f"config.{entry}", (0.5, 1.5)))
    assert dict(vars(Configured)) == before


JOINTED = "tests.tasks.faulty:hyperrl-tests/Jointed-v0"


@pytest.mark.parametrize("attribute", ["arm.length", "arms.0.length", "arm.config.mass"])
def test_what_an_object_within_computed_once_is_stale(attribute: str) -> None:
    with pytest.raises(UserError, match=rf"{attribute}.* leaves 'inertia' stale, which the base's"):
        check_family(family_of(JOINTED, attribute, (1, 2)))


def test_what_an_object_within_computed_is_derived() -> None:
    rule = {"arm.inertia": {"product": ["arm.length", "arm.length", "arm.config.mass"]}}
    family = family_of(JOINTED, "arm.length", (1, 2), derived=rule)
    check_family(family)
    env = family.make_default()
    env.reset(options={"context": {"this": 1.5}})
    assert env.base.arm.inertia == 1.5**2  # type: ignore[attr-defined]


@pytest.mark.parametrize("arms", [1, 2])
def test_an_object_within_of_which_nothing_is_computed_is_right(arms: int) -> None:
    """Beside another of its class as well, which keeps its own value."""
    check_family(family_of(JOINTED, "arm.load", (1, 2), kwargs={"arms": arms}))
