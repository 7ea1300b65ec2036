"""Mistakes in a feature; which of its values are the same, and which lie in a range."""

from typing import Any

import pytest

from hyperrl.recipes import parse_family
from tests.recipes.mistakes import family, feature, refusal

MISTAKES = [
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
]


@pytest.mark.parametrize(("data", "message"), MISTAKES, ids=[message[:60] for _, message in MISTAKES])
def test_feature_mistakes(data: Any, message: str) -> None:
    assert refusal(parse_family, data, "envs/x.yaml").startswith(f"envs/x.yaml: {message}")
