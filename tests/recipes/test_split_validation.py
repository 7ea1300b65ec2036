"""Mistakes in a family's splits."""

from typing import Any

import pytest

from hyperrl.recipes import parse_family
from tests.recipes.mistakes import family, feature, refusal, splits

SIGN = feature(train=[-1, 1], extrapolation=None, values=[-1, 1])

MISTAKES = [
    (splits(trian={}), "splits.trian: unknown field; did you mean 'train'?"),
    (splits(train=[]), "splits.train: found []; allowed: at least 1 of them"),
    (splits(train=3), "splits.train: found 3; allowed: a list"),
    (splits(train={}), "splits.train: found []; allowed: exactly one of list, grid, sample"),
    (
        splits(train={"sample": 3, "list": [{"c0": 1}]}),
        'splits.train: found ["list", "sample"]; allowed: exactly one',
    ),
    (splits(train={"sample": 0}), "splits.train.sample: found 0; allowed: a number > 0"),
    (splits(train={"sample": 10**9}), "splits.train.sample: found 1000000000; allowed: a number <= 100000"),
    (splits(train={"list": []}), "splits.train.list: found []; allowed: at least 1 of them"),
    (
        splits(train={"list": [{"c0": float("nan")}]}),
        "splits.train.list.0.c0: found NaN; allowed: a finite number",
    ),
    (splits(train={"list": [{"c1": 1}]}), "splits.train.0.list.0.c1: unknown feature; known: c0"),
    (splits(train={"grid": {}}), "splits.train.grid: found {}; allowed: at least one feature"),
    (
        splits(train={"grid": {"c0": 3}}),
        "splits.train.grid.c0: found 3; allowed: a list of values, or {from:",
    ),
    (splits(train={"grid": {"c1": [1]}}), "splits.train.0.grid.c1: unknown feature"),
    (
        splits(train={"grid": {"c0": {"from": 2, "to": 1, "n": 3}}}),
        'splits.train.grid.c0: found {"from": 2.0, "to": 1.0',
    ),
    (
        splits(train={"grid": {"c0": {"from": 1, "too": 2, "n": 3}}}),
        "splits.train.grid.c0.too: unknown field",
    ),
    (splits(train={"grid": {"c0": {"from": 1, "n": 3}}}), "splits.train.grid.c0.to: missing"),
    (
        splits(train={"list": [{"c0": 7}]}),
        'splits.train.0.list.0: found {"c0": 7.0}; allowed: inside the training ranges',
    ),
    (
        splits(extrapolation={"list": [{"c0": 2}]}),
        'splits.extrapolation.0.list.0: found {"c0": 2.0}; allowed: a feature',
    ),
    (
        splits(extrapolation={"list": [{"c0": 11}]}),
        "splits.extrapolation.0.list.0.c0: found 11.0; allowed: within [-10",
    ),
    (splits(train={"sample": 4, "ranges": {"c1": [[0, 1]]}}), "splits.train.0.ranges.c1: unknown feature"),
    (
        splits(train={"sample": 4, "ranges": {"c0": [[0, 6]]}}),
        "splits.train.0.ranges.c0.0: found [0.0, 6.0]; allowed:",
    ),
    (
        splits(train={"sample": 4, "ranges": {"c0": [[1, 0]]}}),
        "splits.train.ranges.c0.0: found [1, 0]; allowed: low < high",
    ),
    (splits(train={"list": [{"c0": 1}], "ranges": {}}), "splits.train.ranges: found ranges without sample"),
    (
        splits(validation={"list": [{"c0": 1}], "anywhere": True}),
        "splits.validation.0.anywhere: found true; allowed: false in all splits but",
    ),
    (
        splits(train={"sample": 4, "anywhere": True}),
        "splits.train.anywhere: found true; allowed: true with a list alone",
    ),
    (
        splits(train={"sample": 4, "keep": "outside"}),
        'splits.train.0.keep: found "outside"; allowed: inside in the',
    ),
    (
        splits(extrapolation={"sample": 4, "keep": "inside"}),
        'splits.extrapolation.0.keep: found "inside"; allowed: outside',
    ),
    (
        splits(extrapolation={"sample": 4, "ranges": {"c0": [[1, 2]]}}),
        "splits.extrapolation.0: found no feature that reaches beyond its training range",
    ),
    (
        splits(train={"list": [{"c0": 1}], "without": [{"c0": 1}]}),
        "splits.train.0: adds no task; allowed: at least one",
    ),
    (
        splits(train={"list": [{"c0": 1}], "without": [{"c": 1}]}),
        "splits.train.0.without.0.c: unknown feature",
    ),
    (
        splits(train={"list": [{"c0": 1}, {"c0": 1}]}),
        'splits.train.0.list.1: found {"c0": 1.0}, a task of train already',
    ),
    (
        splits(train={"list": [{"c0": 0}, {"c0": -0.0}]}),
        'splits.train.0.list.1: found {"c0": -0.0}, a task of train',
    ),
    (
        splits(train={"list": [{"c0": 1}]}, interpolation={"list": [{"c0": 2}, {}]}),
        'splits.interpolation.0.list.1: found {"c0": 1.0}, a task of train already; allowed: each task once',
    ),
    (
        splits(train={"grid": {"c0": [1, 2]}}, validation={"list": [{"c0": 2}]}),
        'splits.validation.0.list.0: found {"c0": 2.0}, a task of train already',
    ),
    (
        splits(validation={"list": [{"c0": 2}]}, interpolation={"list": [{"c0": 2}]}),
        'splits.interpolation.0.list.0: found {"c0": 2.0}, a task of validation already',
    ),
    (
        family(features={"s": SIGN}, splits={"train": {"list": [{"s": 0.5}]}}),
        "splits.train.0.list.0.s: found 0.5; allowed: one of [-1.0, 1.0]",
    ),
    (
        family(features={"s": SIGN}, splits={"train": {"sample": 2, "ranges": {"s": [[-1, 0]]}}}),
        "splits.train.0.ranges.s: found a range of a feature that takes only [-1.0, 1.0]",
    ),
    (
        family(features={"s": SIGN}, splits={"extrapolation": {"sample": 2}}),
        "splits.extrapolation.0: found no feature that reaches beyond",
    ),
    (
        family(
            features={n: feature() for n in ("a", "b")},
            splits={
                "train": {
                    "grid": {"a": {"from": 0, "to": 1, "n": 1000}, "b": {"from": 0, "to": 1, "n": 1000}}
                }
            },
        ),
        "splits.train.grid: found more than 100000 contexts; allowed: fewer",
    ),
]


@pytest.mark.parametrize(("data", "message"), MISTAKES, ids=[message[:60] for _, message in MISTAKES])
def test_split_mistakes(data: Any, message: str) -> None:
    assert refusal(parse_family, data, "envs/x.yaml").startswith(f"envs/x.yaml: {message}")


@pytest.mark.parametrize(
    ("split", "angle", "found"),
    [
        ("interpolation", 6.283185307179586, "list.0: found {"),
        ("interpolation", 1.0000000001, "list.0: found {"),
        ("extrapolation", 7.0, "list.0: found {"),  # a turn beyond 0.717, which is trained on
        ("interpolation", 5.0, "list.0.c0: found 5.0; allowed: within [0.0, 4.0]"),
    ],
)
def test_an_angle_counts_modulo_a_turn_and_to_nine_digits(split: str, angle: float, found: str) -> None:
    feature = {"about": "", "default": 0, "train": [0, 3], "extrapolation": [0, 4], "encoding": "circle"}
    parts = {"train": {"list": [{"c0": 0}, {"c0": 1}]}, split: {"list": [{"c0": angle}]}}
    message = refusal(parse_family, family(features={"c0": feature}, splits=parts), "x")
    assert message.startswith(f"x: splits.{split}.0.{found}")
