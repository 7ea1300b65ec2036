"""`check_family`: what it proves and what it refuses; `contextualize`: families without an id."""

from contextlib import nullcontext
from typing import Any

import pytest

import hyperrl
from hyperrl.errors import UserError
from hyperrl.recipes import parse_family
from hyperrl.tasks import Family, check_family, contextualize
from tests.masked import Masked, masked_family
from tests.suite import playable
from tests.tasks.faulty import Faulty


@pytest.mark.parametrize("name", playable())
def test_the_shipped_families_pass(name: str) -> None:
    family = Family.load(name)
    rows = check_family(family)
    assert [row.subject for row in rows] == ["splits", *(f"feature {each}" for each in family.space.names)]
    paid = ("point-goal", "half-cheetah-velocity", "ant-direction", "deep-sea")
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


def test_actions_that_are_not_the_environments_are_refused() -> None:
    family = family_of("Acrobot-v1", "LINK_LENGTH_1", (0.5, 1.5), actions="continuous")
    with pytest.raises(
        UserError, match=r"^actions: found 'continuous'; allowed: discrete, as its environment"
    ):
        check_family(family)
    masks = {"default": 1.0, "train": [0.5, 2.0]}
    undeclared = contextualize(Masked, {"pay": masks}).recipe
    declared = Family(undeclared.model_copy(update={"actions": "discrete"}), lambda **kwargs: Masked())
    with pytest.raises(UserError, match=r"^actions: found 'discrete'; allowed: masked discrete, as its"):
        check_family(declared)


def faulty(feature: str, **more: Any) -> Family:
    train = (0.5, 2.0)
    return hyperrl.contextualize(Faulty, {feature: {"train": train, "default": 1.0}}, max_steps=30, **more)


@pytest.mark.parametrize(
    ("feature", "says"),
    [
        (
            "reverts",
            "does not survive a reset: .* in the episode; allowed: 'at: start', which sets it once more",
        ),
        ("leaks", "leaks"),
        ("starts", "changes the start state alone"),
        ("random", "one seed gives the base environment different transitions, so that no run could be"),
        ("doubled", "leaves 'twice' stale, which the base's constructor computes"),
        (
            "told",
            r"stands in the observation: obs\[1\] repeats it.*\(of an environment or wrapper of your own",
        ),
    ],
)
def test_other_faults_are_refused(feature: str, says: str) -> None:
    with pytest.raises(UserError, match=says):
        check_family(faulty(feature))


@pytest.mark.parametrize(
    ("feature", "highest", "derived", "says"),
    [
        ("good", 2.0, {}, None),
        ("good", 4.0, {}, "the base environment failed: ValueError: too good"),
        ("leaks", 2.0, {}, "leaks"),
        ("doubled", 2.0, {}, "stale"),
        ("doubled", 2.0, {"twice": {"sum": ["doubled"]}}, "gives 1 of the base's own values"),
        ("absent", 2.0, {}, "which Counted lacks"),
    ],
)
def test_every_environment_that_is_made_is_closed(
    feature: str, highest: float, derived: dict[str, Any], says: str | None
) -> None:
    """Whether all is well or a step of the check ends it."""
    made: list[Any] = []

    class Counted(Faulty):
        closed = False

        def __init__(self, **given: Any) -> None:
            super().__init__(**given)
            made.append(self)

        def step(self, action: int) -> Any:
            if self.good > 3.0:
                raise ValueError("too good")
            return super().step(action)

        def close(self) -> None:
            self.closed = True

    features = {feature: {"train": (0.5, highest), "default": 1.0}}
    with pytest.raises(UserError, match=says) if says else nullcontext():
        check_family(hyperrl.contextualize(Counted, features, derived=derived, max_steps=30))
    assert made
    assert all(env.closed for env in made)


def test_a_feature_of_one_value_has_nothing_to_be_compared_with() -> None:
    one = {"about": "g", "default": 10, "train": [5, 15], "values": [10], "attribute": "g"}
    row = check_family(family_of("Pendulum-v1", "m", (0.5, 2.0), features={"this": one}))[1]
    assert row.detail == "has one value alone, which nothing compares with"


@pytest.mark.parametrize(("feature", "found"), [("good", "transition"), ("paid", "reward")])
def test_what_a_feature_changes_is_reported(feature: str, found: str) -> None:
    assert f"changes the {found}" in check_family(faulty(feature))[1].detail


def test_environments_that_differ_when_made_alike_are_refused() -> None:
    """And mended by a seed that a mapping in `kwargs` brings, of which each environment has a copy."""
    base = "tests.tasks.faulty:hyperrl-tests/Differing-v0"
    with pytest.raises(UserError, match=r"two environments that are made alike .* constructor's in 'kwargs'"):
        check_family(family_of(base, "weight", (1, 2)))
    family = family_of(base, "weight", (1, 2), kwargs={"task": {"random": 0, "deep": {"list": [[1], {}]}}})
    check_family(family)
    env: Any = family.make_base().unwrapped
    env.given["deep"]["list"].append(2)
    assert family.make_base().unwrapped.given == {"random": 0, "deep": {"list": [[1], {}]}}  # type: ignore[attr-defined]
    written = family.recipe.model_dump(mode="json", by_alias=True)
    assert parse_family(written, "run.yaml") == family.recipe


@pytest.mark.parametrize("by", ["method", "info"])
@pytest.mark.parametrize("actions", ["from 2", "multi-discrete", "multi-binary"])
def test_a_base_that_refuses_masked_actions_is_played_by_valid_ones(actions: str, by: str) -> None:
    family = masked_family(actions, by)
    family.try_out()
    rows = check_family(family)
    assert rows[1].detail.startswith("changes the reward")
