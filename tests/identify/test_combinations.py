"""Products and correlations of which data tell one number."""

from typing import Any

import numpy as np
import pytest

from hyperrl.identify.combinations import Combination, find_combinations

RNG = np.random.default_rng(0)
A, B, C = RNG.uniform(0.5, 3.0, (3, 2000))
NOISE = 1 + 1e-3 * RNG.standard_normal(2000)


@pytest.mark.parametrize(
    ("columns", "text"),
    [
        ([A, 4 / A * NOISE], ["a b"]),
        ([A, 4 * A * NOISE], ["a / b"]),
        ([A, 4 / A**2 * NOISE], ["a^2 b"]),
        ([A, A**1.5 * NOISE], ["a^3 / b^2"]),
        ([A, 2 * A * NOISE, 5 / A**2 * NOISE], ["a / b", "a^2 c"]),
        ([A, B, 2 * A * B * NOISE], ["a b / c"]),
        ([A, B, 2 / (A * B) * NOISE], ["a b c"]),
        ([A, B, C], []),
    ],
    ids=lambda value: ", ".join(each for each in value if isinstance(each, str)) or "-",
)
def test_products_and_quotients(columns: list[Any], text: list[str]) -> None:
    names = ["a", "b", "c"][: len(columns)]
    found = find_combinations(names, np.stack(columns, axis=1), [True] * len(columns))
    assert [each.text for each in found] == text
    for each in found:
        assert 1e-4 < each.spread < 1e-2


def test_features_around_zero_are_reported_as_correlated() -> None:
    drawn = np.stack([A - 2, 2 - A + 0.01 * B], axis=1)
    (found,) = find_combinations(["a", "b"], drawn, [False, False])
    assert found.powers == ()
    assert found.sentence() == "a and b are known together only: their correlation is -1.00"
    assert find_combinations(["a", "b"], np.stack([A - 2, B], axis=1), [False, False]) == []


def test_sentences_say_how_well_the_product_is_known() -> None:
    assert Combination(("g", "l"), (1, -1), 0.0123).sentence() == (
        "the data tell g / l to 1.2 %, and not g and l by themselves"
    )
    assert Combination(("a", "b", "c"), (1, -1, -2), 1e-6).sentence() == (
        "the data tell a / (b c^2) to less than 0.1 %, and not a, b and c by themselves"
    )
