"""The parts of a split: lists, grids and samples."""

import pytest

from hyperrl.recipes import Linspace, Part, load_family, parse_family


def test_samples_take_their_splits_seed_and_side() -> None:
    feature = {"about": "", "default": 1, "train": [0, 2], "extrapolation": [-1, 3]}
    data = {"name": "f", "about": "", "base": "B-v0", "features": {"g": feature}}
    parts = {"interpolation": {"sample": 8}, "extrapolation": [{"sample": 8}, {"sample": 4, "seed": 9}]}
    splits = parse_family({**data, "splits": parts}, "x").splits
    assert [(part.seed, part.keep) for part in (*splits.interpolation, *splits.extrapolation)] == [
        (2, None),
        (3, "outside"),
        (9, "outside"),
    ]


def test_a_list_may_leave_out_the_training_tasks_by_itself() -> None:
    feature = {"about": "", "default": 1, "train": [0, 2]}
    parts = {
        "train": {"list": [{"g": 1}]},
        "interpolation": {"list": [{"g": 1}, {"g": 1.5}], "without_train": True},
    }
    data = {"name": "f", "about": "", "base": "B-v0", "features": {"g": feature}, "splits": parts}
    assert parse_family(data, "x").splits.interpolation[0].without_train


def test_default_samples_never_share_a_seed() -> None:
    splits = load_family("cartpole").splits
    parts: list[Part] = [*splits.train, *splits.validation, *splits.interpolation, *splits.extrapolation]
    assert [(part.sample, part.seed) for part in parts] == [(32, 0), (16, 1), (32, 2), (32, 3)]
    assert splits.extrapolation[0].keep == "outside"


def test_linspace_has_both_ends() -> None:
    axis = Linspace.parse({"from": 0.1, "to": 0.7, "n": 4}, "x")
    assert axis.values == pytest.approx((0.1, 0.3, 0.5, 0.7))
    assert (axis.values[0], axis.values[-1]) == (0.1, 0.7)
    assert Linspace.parse({"from": 2, "to": 2, "n": 1}, "x").values == (2.0,)
