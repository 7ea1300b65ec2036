"""Mistakes in a family; features that were built in Python."""

from typing import Any

import pytest

from hyperrl.recipes import Feature, parse_family
from tests.recipes.mistakes import family, feature, refusal

MISTAKES = [
    (family(base="two words"), 'base: found "two words"; allowed: a Gymnasium id'),
    (family(base=""), 'base: found ""; allowed: a Gymnasium id'),
    (family(features={}), "features: found {}; allowed: at least 1 of them"),
    (family(features=[1]), "features: found [1]; allowed: a mapping"),
    (family(features={"c 0": feature()}), 'features.c 0: found "c 0"; allowed: a name'),
    (family(features={"c-0": feature()}), "features.c-0: 'c-0' is no attribute's name; give 'attribute'"),
    (
        family(features={"c0": feature(), "c1": feature(attribute="c0")}),
        "features.c1.attribute: found \"c0\"; allowed: not that of feature 'c0' too",
    ),
    (
        family(derived={"a": {"product": ["b", 0.25]}}),
        "derived.a.product.1: found 0.25; allowed: the name of an attribute of the base, for a constant too",
    ),
    (family(goal=["x"]), 'goal.0: found "x"; allowed: features, each once: c0'),
    (family(goal=["c0", "c0"]), 'goal.1: found "c0"; allowed: features, each once: c0'),
    (family(goal=[]), "goal: found []; allowed: at least 1 of them"),
    (
        family(features={"c0": feature(values=[-5, 1])}, goal=["c0"]),
        "goal.0: found \"c0\"; allowed: features without 'values' whose encoding is linear",
    ),
    (
        family(features={"c0": feature(encoding="circle")}, goal=["c0"]),
        "goal.0: found \"c0\"; allowed: features without 'values' whose encoding is linear",
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
        family(
            base="hyperrl-base/ode-v0",
            oracle="ode",
            features={"c0": feature(), "parts": feature(values=[1.0], permutations=[[1, 0]])},
        ),
        'oracle: found "ode"; allowed: none where a feature permutes actions (parts)',
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


@pytest.mark.parametrize(("data", "message"), MISTAKES, ids=[message[:60] for _, message in MISTAKES])
def test_family_mistakes(data: Any, message: str) -> None:
    assert refusal(parse_family, data, "envs/x.yaml").startswith(f"envs/x.yaml: {message}")


def test_built_features_serve_as_well_as_written_ones() -> None:
    feature = Feature(about="gravity", default=1, train=(0, 2))
    data = {"name": "f", "about": "", "base": "B-v0", "features": {"g": feature}}
    family = parse_family(data, "x")
    assert family.features["g"] == feature
    assert family.splits.extrapolation == ()
    wide = parse_family(
        {**data, "features": {"g": feature.model_copy(update={"extrapolation": (-1.0, 3.0)})}}, "x"
    )
    assert len(wide.splits.extrapolation) == 1
