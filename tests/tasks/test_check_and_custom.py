"""`check_family`: what it proves and what it refuses; `contextualize`: families without an id."""

from collections.abc import Callable
from contextlib import nullcontext
from copy import deepcopy
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

import hyperrl
from hyperrl.errors import UserError
from hyperrl.recipes import Feature, parse_family
from hyperrl.tasks import Family, check_family
from tests.suite import playable
from tests.tasks.faulty import Configured, Far, Faulty


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


def test_a_doubled_attribute_that_is_derived_is_right() -> None:
    """As the constructor computes it; the class is afterwards as it was."""
    before = dict(vars(Faulty))
    check_family(faulty("doubled", derived={"twice": {"sum": ["doubled", "doubled"]}}))
    with pytest.raises(UserError, match=r"derived.twice: found a rule that gives 1 .* one that gives 2"):
        check_family(faulty("doubled", derived={"twice": {"product": ["doubled", "doubled"]}}))
    assert dict(vars(Faulty)) == before


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


@pytest.mark.parametrize("base", ["Configured", "Worded"])
@pytest.mark.parametrize("entry", ["good", "bounded"])
def test_an_entry_of_a_dictionary_is_right(base: str, entry: str) -> None:
    """Whether or not the constructor takes the dictionary as it keeps it; the class stays as it was."""
    before = dict(vars(Configured))
    check_family(family_of(f"tests.tasks.faulty:hyperrl-tests/{base}-v0", f"config.{entry}", (0.5, 1.5)))
    assert dict(vars(Configured)) == before


def test_a_feature_of_one_value_has_nothing_to_be_compared_with() -> None:
    one = {"about": "g", "default": 10, "train": [5, 15], "values": [10], "attribute": "g"}
    row = check_family(family_of("Pendulum-v1", "m", (0.5, 2.0), features={"this": one}))[1]
    assert row.detail == "has one value alone, which nothing compares with"


@pytest.mark.parametrize(("feature", "found"), [("good", "transition"), ("paid", "reward")])
def test_what_a_feature_changes_is_told(feature: str, found: str) -> None:
    assert f"changes the {found}" in check_family(faulty(feature))[1].detail


@pytest.mark.parametrize(
    ("base", "attribute", "options"),
    [
        ("CartPole-v1", "gravity", {"low": -0.05}),
        ("Pendulum-v1", "g", {"x_init": 1, "y_init": 0.5}),
        ("MountainCarContinuous-v0", "power", {"high": -0.4, "low": -0.6}),
        ("hyperrl-base/double-integrator-v0", "mass", {"y": 0.9}),
    ],
)
def test_reset_options_that_the_base_reads_are_right(
    base: str, attribute: str, options: dict[str, float]
) -> None:
    """Where they are the base's own defaults too, which change nothing."""
    rows = check_family(family_of(base, attribute, (0.5, 1.5), evaluation={"options": options}))
    assert [row.subject for row in rows] == ["splits", "feature this"]


@pytest.mark.parametrize(
    ("read", "told"),
    [
        (lambda options: "far" in options, []),
        (lambda options: options.get("near") or options["far"], []),
        (lambda options: options.pop("far"), []),
        (dict, ["evaluation.options"]),
        (lambda options: {"near": 0.0, **options}, ["evaluation.options"]),
        (lambda options: list(options.items()), ["evaluation.options"]),
        (deepcopy, ["evaluation.options"]),
    ],
)
def test_however_a_base_reads_its_options(read: Callable[[dict[str, Any]], Any], told: list[str]) -> None:
    """In the steps as well; what takes them all is not refused, and the report says what it could not see."""

    class Reading(Faulty):
        def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
            self.options = options
            return super().reset(seed=seed)

        def step(self, action: int) -> Any:
            if self.options:
                read(self.options)
                self.options = None
            return super().step(action)

    features = {"good": {"train": (0.5, 2.0)}}
    evaluation = {"options": {"far": 1.0}}
    rows = check_family(hyperrl.contextualize(Reading, features, max_steps=30, evaluation=evaluation))
    assert [row.subject for row in rows[1:-1]] == told


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


FAR = "tests.tasks.faulty:hyperrl-tests/Far-v0"


def test_what_random_steps_do_not_reach_is_told_as_such() -> None:
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
