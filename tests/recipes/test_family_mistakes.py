"""Mistakes in a family and its splits."""

from typing import Any

import pytest

from hyperrl.recipes import parse_family
from tests.recipes.mistakes import family, feature, refusal, splits

SIGN = feature(train=[-1, 1], extrapolation=None, values=[-1, 1])

FAMILY_MISTAKES = [
    (family(base="two words"), 'base: found "two words"; allowed: a Gymnasium id'),
    (family(base=""), 'base: found ""; allowed: a Gymnasium id'),
    (family(features={}), "features: found {}; allowed: at least 1 of them"),
    (family(features=[1]), "features: found [1]; allowed: a mapping"),
    (family(features={"c 0": feature()}), 'features.c 0: found "c 0"; allowed: a name'),
    (family(features={"c0": 3}), "features.c0: found 3; allowed: a mapping with fields of about"),
    (family(features={"c0": {"about": "", "train": [0, 1]}}), "features.c0.default: missing"),
    (family(features={"c0": feature(train=[5, 1])}), "features.c0.train: found [5, 1]; allowed: low < high"),
    (family(features={"c0": feature(train=[1, 1])}), "features.c0.train: found [1, 1]; allowed: low < high"),
    (
        family(features={"c0": feature(train=[1])}),
        "features.c0.train: found [1]; allowed: [low, high], two finite",
    ),
    (
        family(features={"c0": feature(train=3)}),
        "features.c0.train: found 3; allowed: [low, high], two finite",
    ),
    (
        family(features={"c0": feature(train=[0, float("nan")])}),
        "features.c0.train: found NaN; allowed: a finite",
    ),
    (
        family(features={"c0": feature(default=float("-inf"))}),
        "features.c0.default: found -Infinity; allowed: a fin",
    ),
    (
        family(features={"c0": feature(default=11)}),
        "features.c0.default: found 11.0; allowed: within [-10.0, 10.0]",
    ),
    (
        family(features={"c0": feature(extrapolation=[-1, 10])}),
        "features.c0.extrapolation: found [-1.0, 10.0]; allowed: a range around train [-5.0, 5.0]",
    ),
    (
        family(features={"c0": feature(extrapolation=[-10, 1e300])}),
        "features.c0.extrapolation: found [-10.0, 1e+300]; allowed: nearer to train [-5.0, 5.0], ",
    ),
    (
        family(features={"c0": feature(trian=[0, 1])}),
        "features.c0.trian: unknown field; did you mean 'train'?",
    ),
    (
        family(features={"c0": feature(values=[])}),
        "features.c0.values: found []; allowed: at least 1 of them",
    ),
    (
        family(features={"c0": feature(values=[1, 1])}),
        "features.c0.values: found [1.0, 1.0]; allowed: each value once",
    ),
    (
        family(features={"c0": feature(values=[1, 1.0000000001])}),
        "features.c0.values: found [1.0, 1.0000000001]; allowed: each value once",
    ),
    (family(features={"c0": feature(values=[1, 99])}), "features.c0.values.1: found 99.0; allowed: within"),
    (
        family(features={"c0": feature(values=[2, 3])}),
        "features.c0.default: found 1.0; allowed: one of [2.0, 3.0]",
    ),
    (
        family(features={"c0": feature(encoding="categorical")}),
        'features.c0.encoding: found "categorical"; allowed: linear or circle without',
    ),
    (
        family(features={"c0": feature(encoding="log")}),
        "features.c0.encoding: found \"log\"; allowed: 'linear', 'circle' or",
    ),
    (
        family(features={"c0": feature(attribute="__class__")}),
        'features.c0.attribute: found "__class__"; allowed:',
    ),
    (family(features={"c-0": feature()}), "features.c-0: 'c-0' is no attribute's name; give 'attribute'"),
    (
        family(features={"c0": feature(), "c1": feature(attribute="c0")}),
        "features.c1.attribute: found \"c0\"; allowed: not that of feature 'c0' too",
    ),
    (
        family(derived={"a": {"product": ["b", 0.25]}}),
        "derived.a.product.1: found 0.25; allowed: the name of an attribute of the base, for a constant too",
    ),
    (family(derived={"a": {}}), "derived.a: found []; allowed: exactly one of sum, product"),
    (
        family(derived={"a": {"sum": ["b"], "product": ["b"]}}),
        'derived.a: found ["sum", "product"]; allowed:',
    ),
    (
        family(derived={"c0": {"sum": ["b"]}}),
        "derived.c0: found \"c0\"; allowed: not an attribute that feature 'c0' sets",
    ),
    (
        family(derived={"a": {"sum": ["b"]}, "b": {"sum": ["c"]}}),
        'derived.a: found ["b"]; allowed: attributes that',
    ),
    (family(derived={"a": {"sum": ["a"]}}), 'derived.a: found ["a"]; allowed: attributes that'),
    (
        family(kwargs={"x": [{"y": None}]}),
        "kwargs.x: found null; allowed: true, false, a finite number, text, lists and mappings of these",
    ),
    (
        family(
            features={"a": feature(values=[-5, 1], argument="a", at="reset", choices=[[1], 2])},
        ),
        "features.a.choices.0: found [1]; allowed: true, false, a finite number, text",
    ),
    (
        family(kwargs={"render_mode": "human"}),
        'kwargs.render_mode: found "human"; allowed: a mode that opens no window; watch has one',
    ),
    (
        family(kwargs={"x": float("inf")}),
        "kwargs.x: found Infinity; allowed: true, false, a finite number, text, lists and mappings",
    ),
    (family(oracle="ode"), 'oracle: found "ode"; allowed: with base hyperrl-base/ode-v0 alone'),
    (
        family(
            base="hyperrl-base/ode-v0",
            oracle="ode",
            features={"c0": feature(), "motor": feature(scales="action")},
        ),
        'oracle: found "ode"; allowed: none where a feature scales actions (motor)',
    ),
    (
        family(evaluation={"options": {"x": float("nan")}}),
        "evaluation.options.x: found NaN; allowed: a finite number",
    ),
    (
        family(evaluation={"options": {"context": 1}}),
        "evaluation.options.context: found 1.0; allowed: options of the base environment; this one is taken",
    ),
    (family(evaluation={"options": {"reset_mask": 0}}), "evaluation.options.reset_mask: found 0.0; allowed:"),
    (
        family(training={"ppo": {"learning_rat": 1}}),
        "training.ppo.learning_rat: unknown field; did you mean 'learning_rate'",
    ),
    (family(training={"ppo": {"gamma": 2}}), "training.ppo.gamma: found 2; allowed: a number <= 1"),
    (
        family(training={"a2c": {"name": "ppo"}}),
        "training.a2c.name: found 'name'; allowed: the algorithm's other fields",
    ),
    (family(training={"steps": -1}), "training.steps: found -1; allowed: a number > 0"),
]

SPLIT_MISTAKES = [
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
        "splits.train.0: found no task that is left",
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

MISTAKES = FAMILY_MISTAKES + SPLIT_MISTAKES


@pytest.mark.parametrize(("data", "message"), MISTAKES, ids=[message[:60] for _, message in MISTAKES])
def test_family_mistakes(data: Any, message: str) -> None:
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
