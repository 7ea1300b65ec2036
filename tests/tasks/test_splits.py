"""Splits: lists, grids, samples, their sides, and that no task is in two of them."""

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperrl.errors import UserError
from hyperrl.recipes import SPLITS, FamilyRecipe, Part, Splits, parse_family, shipped
from hyperrl.tasks import Family, splits
from hyperrl.tasks.splits import sobol

RECIPE: dict[str, Any] = {
    "name": "mine",
    "about": "mine",
    "base": "CartPole-v1",
    "features": {
        "gravity": {"about": "g", "default": 9.8, "train": [5, 15], "extrapolation": [1, 30]},
        "length": {"about": "l", "default": 0.5, "train": [0.25, 1.5], "extrapolation": [0.05, 3]},
    },
}


def family_of(**splits: Any) -> Family:
    return Family(parse_family({**RECIPE, "splits": splits}, "test"))


def sides(family: Family) -> None:
    """The definition of the splits, for every task; and each task once in all of them."""
    keys = [task.key for split in SPLITS for task in family.tasks(split)]
    assert len(keys) == len(set(keys))
    for split in SPLITS:
        for task in family.tasks(split):
            assert set(task) == set(family.space.names)
            assert task.inside == (split != "extrapolation")
            descriptor = family.space.descriptors([task])[0]
            assert descriptor in family.space.box
            assert family.flag(task) == ("interpolation" if split == "validation" else split)


@pytest.mark.parametrize("name", shipped("envs"))
def test_the_shipped_splits_are_disjoint_and_on_their_side(name: str) -> None:
    sides(Family.load(name))


def test_odes_splits_are_the_benchmarks() -> None:
    family = Family.load("ode")
    found = {split: {task["c0"] for task in family.tasks(split)} for split in SPLITS}
    assert found == {
        "train": {-5, -1, 1, 5},
        "validation": {s * v for s in (-1, 1) for v in (1.5, 2.5, 3.5, 4.5)},
        "interpolation": {s * v for s in (-1, 1) for v in (2, 3, 4)},
        "extrapolation": {s * v for s in (-1, 1) for v in (6, 7, 8, 9, 10)},
    }
    pair = Family.load("ode-2d")
    grid = set(itertools.product(range(-10, 11), repeat=2)) - {(0, 0)}
    trained = {(task["c0"], task["c1"]) for task in pair.tasks("train")}
    squares = {(a * s, b * s) for s in (1, 5) for a in (-1, 0, 1) for b in (-1, 0, 1)}
    assert trained == squares - {(0, 0)}
    assert len(trained) == 16
    reported = {(t["c0"], t["c1"]) for split in SPLITS[2:] for t in pair.tasks(split)}
    assert reported == grid - trained


def test_defaults_are_32_16_32_32_and_the_same_every_time() -> None:
    one, two = family_of(), family_of()
    assert [len(one.tasks(split)) for split in SPLITS] == [32, 16, 32, 32]
    assert [one.tasks(split) for split in SPLITS] == [two.tasks(split) for split in SPLITS]
    sides(one)
    one.tasks("train").clear()
    assert one.tasks("train") == two.tasks("train")


def test_a_sample_covers_its_box_evenly() -> None:
    values = np.array([[t["gravity"], t["length"]] for t in family_of().tasks("train")])
    unit = (values - [5, 0.25]) / [10, 1.25]
    for axis in range(2):
        counts = np.histogram(unit[:, axis], bins=8, range=(0, 1))[0]
        assert counts.tolist() == [4] * 8


def test_a_sample_that_is_no_power_of_two_is_cut() -> None:
    longer, shorter = (family_of(train={"sample": n, "seed": 5}).tasks("train") for n in (8, 5))
    assert longer[:5] == shorter


def test_a_sample_of_more_tasks_than_are_looked_through_for_a_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(splits, "_MOST_CANDIDATES", 2**8)
    assert len(family_of(train={"sample": 300}).tasks("train")) == 300
    narrow = {"gravity": [[9.0, 9.00001]], "length": [[0.5, 0.50001]]}
    with pytest.raises(UserError, match="samples 300 tasks, but only 22 different ones can be drawn"):
        family_of(train={"sample": 300, "ranges": narrow}, validation=[]).tasks("train")


def test_another_seed_gives_another_sample() -> None:
    one, two = (family_of(train={"sample": 8, "seed": seed}).tasks("train") for seed in (0, 1))
    assert not {tuple(t.values()) for t in one} & {tuple(t.values()) for t in two}


@given(
    edges=st.lists(st.integers(0, 1000), min_size=2, max_size=10, unique=True).filter(
        lambda e: len(e) % 2 == 0
    ),
    count=st.integers(1, 70),
    seed=st.integers(0, 100),
)
@settings(max_examples=40)
def test_ranges_are_unions_of_intervals(edges: list[int], count: int, seed: int) -> None:
    cuts = [5 + edge / 100 for edge in sorted(edges)]
    intervals = list(zip(cuts[::2], cuts[1::2], strict=True))
    family = family_of(train={"sample": count, "seed": seed, "ranges": {"gravity": intervals}}, validation=[])
    tasks = family.tasks("train")
    assert len(tasks) == count
    for task in tasks:
        assert any(low <= task["gravity"] <= high for low, high in intervals)
        assert 0.25 <= task["length"] <= 1.5
    if count >= 64:
        shares = [(high - low) / sum(b - a for a, b in intervals) for low, high in intervals]
        for (low, high), share in zip(intervals, shares, strict=True):
            inside = sum(low <= task["gravity"] <= high for task in tasks)
            assert abs(inside / count - share) < 0.15


def test_grids_lists_and_what_narrows_them() -> None:
    family = family_of(
        train={"list": [{"gravity": 6}, {"length": 1.0}]},
        validation=[],
        interpolation=[
            {
                "grid": {"gravity": [6, 8], "length": {"from": 0.5, "to": 1.5, "n": 3}},
                "without": [{"length": 1.5}],
            },
            {"list": [{"gravity": 6}, {"gravity": 7}], "without_train": True},
        ],
        extrapolation={"grid": {"gravity": [2, 6, 20], "length": [0.5, 2]}, "keep": "outside"},
    )
    assert family.tasks("train") == [{"gravity": 6, "length": 0.5}, {"gravity": 9.8, "length": 1.0}]
    assert [tuple(t.values()) for t in family.tasks("interpolation")] == [(6, 1), (8, 0.5), (8, 1), (7, 0.5)]
    assert [tuple(t.values()) for t in family.tasks("extrapolation")] == [
        (2, 0.5), (2, 2), (6, 2), (20, 0.5), (20, 2),
    ]  # fmt: skip
    sides(family)


def test_a_list_is_narrowed_as_a_grid_is() -> None:
    three = [{"gravity": 7}, {"gravity": 20}, {"gravity": 8}]
    family = family_of(
        train={"list": [{"gravity": 6}]},
        validation=[],
        interpolation={"list": three, "keep": "inside", "without": [{"gravity": 8}]},
        extrapolation={"list": three, "keep": "outside"},
    )
    assert [task["gravity"] for task in family.tasks("interpolation")] == [7]
    assert [task["gravity"] for task in family.tasks("extrapolation")] == [20]


def test_an_overlap_that_the_recipe_could_not_see_is_refused() -> None:
    """A listed task that equals a sampled training task: only enumeration finds it."""
    sampled = family_of(train={"sample": 4}).tasks("train")[2]
    family = family_of(train={"sample": 4}, interpolation={"list": [sampled]})
    with pytest.raises(UserError, match=r"'interpolation' lists gravity=.*earlier split"):
        family.tasks("interpolation")
    assert family_of(train={"sample": 4}, interpolation={"list": [sampled, {}], "without_train": True}).tasks(
        "interpolation"
    ) == [{"gravity": 9.8, "length": 0.5}]


def test_a_sample_that_cannot_be_filled_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(splits, "_MOST_CANDIDATES", 2**8)
    signs = {"sign": {"about": "s", "default": 1, "train": [-1, 1], "values": [-1, 1]}}
    data = {**RECIPE, "features": signs, "splits": {"train": {"sample": 3}}}
    with pytest.raises(UserError, match="samples 3 tasks, but only 2"):
        Family(parse_family(data, "test")).tasks("train")


def choices(count: int, **more: Any) -> Family:
    values = {"about": "r", "default": 0, "train": [0, count - 1], "values": list(range(count)), **more}
    return Family(parse_family({**RECIPE, "features": {"gravity": values}}, "test"))


def test_without_splits_a_few_values_are_all_trained_on() -> None:
    """Four robots: nothing is held out, none needs to be written down, and what is written is read again."""
    family = choices(4)
    assert family.tasks("train") == [{"gravity": float(value)} for value in range(4)]
    assert [len(family.tasks(split)) for split in SPLITS] == [4, 0, 0, 0]
    written = family.recipe.model_dump(mode="json", by_alias=True)
    assert Family(parse_family(written, "run.yaml")).tasks("train") == family.tasks("train")
    sides(family)


@pytest.mark.parametrize(
    ("count", "found"),
    [(32, [32, 0, 0, 0]), (40, [32, 8, 0, 0]), (60, [32, 16, 12, 0]), (90, [32, 16, 32, 0])],
)
def test_what_the_values_leave_is_held_out(count: int, found: list[int]) -> None:
    family = choices(count)
    assert [len(family.tasks(split)) for split in SPLITS] == found
    sides(family)


def test_values_beyond_the_training_range_are_extrapolation() -> None:
    family = choices(4, extrapolation=[-2, 9], values=[-1, 0, 1, 3, 8])
    assert [len(family.tasks(split)) for split in SPLITS] == [3, 0, 0, 2]
    sides(family)


def test_a_task_that_is_left_out_is_interpolation() -> None:
    """Validation and extrapolation stay as they were; what is held out is in no other split."""
    family = family_of()
    task = family.tasks("train")[3]
    left = family.leave_out([task])
    assert left.tasks("interpolation") == [task]
    assert left.tasks("train") == [each for each in family.tasks("train") if each != task]
    for split in ("validation", "extrapolation"):
        assert left.tasks(split) == family.tasks(split)
    assert left.flag(task) == "interpolation"
    assert left.recipe.features == family.recipe.features
    sides(left)
    written = left.recipe.model_dump(mode="json", by_alias=True)
    assert Family(parse_family(written, "run.yaml")).tasks("interpolation") == [task]


def test_all_tasks_that_agree_are_left_out() -> None:
    """To the digits that are printed, and of categories the held-out one goes to no other split."""
    grid = {"gravity": {"from": 5, "to": 6, "n": 11}, "length": [0.5, 1.0]}
    left = family_of(train={"grid": grid}).leave_out([{"gravity": 5.3}, {"length": 1.0, "gravity": 6}])
    assert left.tasks("interpolation") == [
        {"gravity": pytest.approx(5.3), "length": 0.5},
        {"gravity": pytest.approx(5.3), "length": 1.0},
        {"gravity": 6.0, "length": 1.0},
    ]
    assert len(left.tasks("train")) == 19
    robots = choices(4, encoding="categorical").leave_out([{"gravity": 2}])
    assert [len(robots.tasks(split)) for split in SPLITS] == [3, 0, 1, 0]


@pytest.mark.parametrize(
    ("left_out", "says"),
    [
        ([{"gravity": 4}], "leave_out: found gravity=4, which no training task has; allowed: gravity=0; "),
        ([{"gravty": 1}], "leave_out: unknown feature 'gravty'; did you mean 'gravity'"),
        ([{"gravity": "x"}], "gravity is 'x'; a finite number is needed"),
        ([{"gravity": None}], "gravity is None; a finite number is needed"),
        ([{"gravity": each} for each in range(4)], "no task is left to train on; there are 4 in all"),
    ],
)
def test_what_cannot_be_left_out_is_refused(left_out: list[dict[str, Any]], says: str) -> None:
    with pytest.raises(UserError, match=says):
        choices(4).leave_out(left_out)


def test_tasks_that_are_trained_on_alone_leave_the_other_splits() -> None:
    family = family_of()
    tasks = [family.tasks("interpolation")[2], family.tasks("train")[0]]
    alone = family.train_on([dict(task) for task in tasks])
    assert alone.tasks("train") == tasks
    assert alone.tasks("validation") == family.tasks("validation")
    assert alone.tasks("interpolation") == [
        each for each in family.tasks("interpolation") if each != tasks[0]
    ]
    sides(alone)
    with pytest.raises(UserError, match=r"found gravity outside its training range; allowed: "):
        family.train_on([dict(family.tasks("extrapolation")[0])])


def test_fewer_is_of_samples_alone() -> None:
    with pytest.raises(UserError, match=r"splits.train.fewer: found fewer without sample"):
        family_of(train={"list": [{"gravity": 6}], "fewer": True})


def test_values_are_drawn_evenly() -> None:
    features = {
        **RECIPE["features"],
        "sign": {"about": "s", "default": 1, "train": [-1, 1], "values": [-1, 1]},
    }
    tasks = Family(parse_family({**RECIPE, "features": features}, "test")).tasks("train")
    assert sum(task["sign"] for task in tasks) == 0
    assert {task["sign"] for task in tasks} == {-1.0, 1.0}


def test_splits_built_in_python_keep_their_side() -> None:
    recipe = parse_family(RECIPE, "test")
    built = FamilyRecipe(**{**dict(recipe), "splits": Splits(extrapolation=(Part(sample=20),))})
    sides(Family(built))


def test_sobol_points_extend_themselves() -> None:
    few, many = sobol(3, 3, 7), sobol(3, 6, 7)
    np.testing.assert_array_equal(few, many[:8])
    assert ((many >= 0) & (many < 1)).all()


def test_point_goal_trains_on_arcs_and_reports_between_them() -> None:
    family = Family.load("point-goal")
    for split, odd in (("train", 0), ("validation", 0), ("interpolation", 1)):
        assert {
            math.floor(task["angle"] / (math.pi / 8) + 1e-3 * (1 - 2 * odd)) % 2
            for task in family.tasks(split)
        } == {odd}


def test_double_integrator_has_twenty_tasks_in_each_split() -> None:
    family = Family.load("double-integrator")
    assert [len(family.tasks(split)) for split in SPLITS] == [20, 20, 20, 20]
    masses = [task["mass"] for task in family.tasks("extrapolation")]
    assert all(0.1 <= mass < 0.5 or 1.5 < mass <= 2 for mass in masses)
