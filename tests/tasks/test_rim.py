"""The rim: a band of the training ranges that is held out, to choose by what is done beyond them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hyperrl
from hyperrl.errors import UserError
from hyperrl.recipes import ALL_SPLITS, RIM, SPLITS, FamilyRecipe, parse_family, shipped
from hyperrl.tasks import Family, check_family
from hyperrl.tasks.splits import tasks_of
from tests.runs import SMALL

RECIPE: dict[str, Any] = {
    "name": "mine",
    "about": "mine",
    "base": "CartPole-v1",
    "features": {
        "gravity": {"about": "g", "default": 5, "train": [5, 15], "extrapolation": [1, 30]},
        "length": {"about": "l", "default": 0.5, "train": [0.25, 1.5]},
        "force_mag": {
            "about": "f", "default": 10, "train": [5, 10], "extrapolation": [5, 20], "values": [5, 10, 20],
        },
        "tau": {"about": "an angle", "default": 0.1, "train": [0, 1], "encoding": "circle"},
    },
}  # fmt: skip
GRID = {"grid": {"gravity": [5, 10, 15], "length": {"from": 0.25, "to": 1.5, "n": 5}}}
LINEAR = ("gravity", "length")


def family_of(**splits: Any) -> Family:
    return Family(parse_family({**RECIPE, "splits": splits}, "test"))


def shrinkable() -> list[str]:
    """The shipped families with a range of numbers."""
    found = []
    for name in shipped("envs"):
        features = Family.load(name).recipe.features.values()
        if any(each.encoding == "linear" and each.values is None for each in features):
            found.append(name)
    return found


def assert_held_out(old: Family, new: Family, factor: float) -> None:
    """The definition of the rim, and each task once in all splits."""
    tasks = {split: new.tasks(split) for split in ALL_SPLITS}
    keys = [task.key for split in ALL_SPLITS for task in tasks[split]]
    assert len(keys) == len(set(keys))
    for name, feature in old.space.features.items():
        own = new.space.features[name]
        if feature.encoding != "linear" or feature.values is not None:
            assert own == feature
            continue
        low, high = feature.train
        np.testing.assert_allclose(sum(own.train), low + high, atol=1e-6 * (high - low))
        np.testing.assert_allclose(own.train[1] - own.train[0], factor * (high - low), rtol=1e-6)
        assert own.widest == feature.widest
    for split in SPLITS:
        assert all(task.inside == (split != "extrapolation") for task in tasks[split])
    for task in tasks[RIM]:
        assert old.space.complete(task).inside
        assert not task.inside
        assert task not in old.tasks("interpolation")
        assert new.space.descriptors([task])[0] in new.space.box
    assert tasks["extrapolation"] == old.tasks("extrapolation")
    assert set(tasks["interpolation"]) <= set(old.tasks("interpolation"))


@pytest.mark.parametrize("name", shrinkable())
def test_the_rims_of_the_suite_are_held_out(name: str) -> None:
    old = Family.load(name)
    new = old.hold_out_rim()
    assert_held_out(old, new, 0.8)
    assert [len(new.tasks(split)) for split in ("train", RIM)] == [len(old.tasks("train")), 16]
    assert len(new.tasks("validation")) >= len(old.tasks("validation")) / 2
    assert new.batched == old.batched
    again = old.hold_out_rim()
    assert [again.tasks(split) for split in ALL_SPLITS] == [new.tasks(split) for split in ALL_SPLITS]


@given(
    factor=st.floats(0.05, 0.95),
    count=st.integers(1, 40),
    seed=st.integers(0, 2**32 - 1),
    grid=st.booleans(),
    reported=st.lists(st.tuples(st.integers(5, 15), st.integers(1, 6)), max_size=12, unique=True),
)
@settings(max_examples=40)
def test_no_other_split_has_a_task_of_the_rim(
    factor: float, count: int, seed: int, grid: bool, reported: list[tuple[int, int]]
) -> None:
    train = GRID if grid else {"sample": 20, "seed": seed}
    listed = [{"gravity": g, "length": n / 4, "force_mag": 10, "tau": 0.5} for g, n in reported]
    old = family_of(
        train=train, interpolation={"list": listed} if listed else [], extrapolation={"sample": 8}
    )
    new = old.hold_out_rim(factor=factor, count=count, seed=seed)
    assert_held_out(old, new, factor)
    assert len(new.tasks(RIM)) == count


def test_training_and_validation_move_in_with_their_range() -> None:
    """Defaults that lie outside the narrower ranges move like all other values."""
    old = family_of(train=GRID, validation={"sample": 8})
    new = old.hold_out_rim(factor=0.5)
    assert [new.space.features[name].train for name in LINEAR] == [(7.5, 12.5), (0.5625, 1.1875)]
    for split in ("train", "validation"):
        before, after = (family.space.values(family.tasks(split)) for family in (old, new))
        centers = np.array([10.0, 0.875])
        np.testing.assert_allclose(after[:, :2], centers + (before[:, :2] - centers) / 2, rtol=1e-5)
        np.testing.assert_array_equal(after[:, 2:], before[:, 2:])
        np.testing.assert_allclose(
            new.space.descriptors(new.tasks(split)), old.space.descriptors(old.tasks(split)), atol=1e-4
        )


def test_interpolation_loses_what_is_trained_on_now_or_lies_in_the_rim() -> None:
    new = Family.load("ode").hold_out_rim()
    assert {task["c0"] for task in new.tasks("train")} == {-4, -0.8, 0.8, 4}
    assert {task["c0"] for task in new.tasks("interpolation")} == {-3, -2, 2, 3}  # 4 is trained on
    assert {abs(task["c0"]) for task in new.tasks("validation")} == {1.2, 2.8, 3.6}  # 2 is reported
    assert new.oracle({"c0": 3}) == Family.load("ode").oracle({"c0": 3})


def test_a_rim_is_as_wide_as_asked_and_its_seed_its_own() -> None:
    family = Family.load("cartpole")
    assert len(family.hold_out_rim(count=5).tasks(RIM)) == 5
    one, other = (family.hold_out_rim(seed=seed).tasks(RIM) for seed in (1, 2))
    assert not set(one) & set(other)


def test_a_category_beyond_the_training_range_is_not_in_it() -> None:
    assert {task["force_mag"] for task in family_of().hold_out_rim().tasks(RIM)} == {5, 10}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"factor": 1.0}, "factor: found 1.0; allowed: a number, above 0, below 1"),
        ({"factor": 1e-12}, "factor: found 1e-12; allowed: one that leaves a range about "),
        ({"count": 0}, "count: found 0; allowed: a whole number from 1"),
        ({"seed": -1}, "seed: found -1; allowed: a whole number from 0"),
    ],
)
def test_wrong_numbers_are_refused(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError, match=says):
        family_of().hold_out_rim(**arguments)


def test_families_without_a_range_to_shrink_or_with_a_rim_are_refused() -> None:
    with pytest.raises(UserError, match="point-goal: hold_out_rim: found no linear feature without 'values'"):
        Family.load("point-goal").hold_out_rim()
    with pytest.raises(UserError, match="mine: hold_out_rim: found a family with a split 'rim'"):
        family_of().hold_out_rim().hold_out_rim()


def test_a_rim_of_ones_own_is_checked_as_every_split(tmp_path: Path) -> None:
    rim = {"list": [{"gravity": 20}, {"gravity": 4}]}
    family = family_of(extrapolation={"sample": 8}, rim=rim)
    assert [task["gravity"] for task in family.tasks(RIM)] == [20, 4]
    assert "rim 2" in check_family(Family(_cartpole({"rim": rim})))[0].detail
    for wrong, says in (
        ({"rim": {"list": [{"gravity": 10}]}}, "allowed: a feature outside its training range"),
        ({"extrapolation": rim, "rim": rim}, r"found .*, a task of extrapolation already"),
        ({"rim": {"sample": 4, "keep": "inside"}}, r"splits.rim.0.keep: found .inside.; allowed: outside"),
    ):  # fmt: skip
        with pytest.raises(UserError, match=says):
            family_of(**wrong)
    with pytest.raises(UserError, match="unknown split 'ring'"):
        family.tasks("ring")


def _cartpole(splits: Any) -> FamilyRecipe:
    features = {"gravity": RECIPE["features"]["gravity"]}
    return parse_family({**RECIPE, "features": features, "splits": splits}, "test")


def test_leaving_out_keeps_the_rim() -> None:
    family = Family.load("ode").hold_out_rim()
    assert family.leave_out([{"c0": 4}]).tasks(RIM) == family.tasks(RIM)


def test_a_training_never_plays_the_rim_and_its_run_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    family = Family.load("ode").hold_out_rim()
    asked = []

    def listed(recipe: Any, space: Any, split: str, earlier: Any) -> Any:
        asked.append(split)
        return tasks_of(recipe, space, split, earlier)

    monkeypatch.setattr("hyperrl.tasks.family.tasks_of", listed)
    run = hyperrl.train("hyper-ppo", family, steps=64, overrides=SMALL, out=tmp_path / "run")
    by_default = hyperrl.evaluate(run, save=False)
    assert set(asked) == set(SPLITS)
    assert RIM not in by_default.splits
    monkeypatch.undo()
    stored = hyperrl.load(tmp_path / "run").family
    assert [stored.tasks(split) for split in ALL_SPLITS] == [family.tasks(split) for split in ALL_SPLITS]
    named = hyperrl.evaluate(run, splits=[RIM], save=False)
    assert named.splits[RIM]["tasks"] == 16
