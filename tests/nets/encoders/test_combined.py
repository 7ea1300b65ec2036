"""Encoders made of encoders: missing columns, parts side by side."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hyperrl.nets.encoders import (
    Masked,
    Together,
    Vector,
)
from tests.nets.encoders.cases import ENCODERS


def test_missing_features_are_reported_and_their_values_have_no_part() -> None:
    encoder = Masked(Vector(2, (0.0, 10.0)))
    found = encoder(torch.tensor([[math.nan, 10.0], [5.0, 10.0], [math.nan, math.nan]]))
    assert found.tolist() == [[0, 1, -1, 1], [0, 1, 1, 1], [0, 0, -1, -1]]
    nested = ENCODERS["nested"]()
    assert nested(torch.full((1, 2), math.nan)).tolist() == [[0, 1, 0, 0, -1, -1]]


@given(st.floats(0, 1), st.integers(0, 100))
def test_dropping_leaves_the_rest_as_it_is(probability: float, seed: int) -> None:
    encoder, draw = Masked(Vector(4)), torch.Generator()
    values = torch.randn(50, 4, generator=draw.manual_seed(0))
    found = encoder.drop(values, probability, draw.manual_seed(seed))
    again = encoder.drop(values, probability, draw.manual_seed(seed))
    torch.testing.assert_close(found, again, rtol=0, atol=0, equal_nan=True)
    missing = found.isnan()
    assert torch.equal(found[~missing], values[~missing])
    assert float(missing.float().mean()) == pytest.approx(probability, abs=0.2)


def test_encoders_of_the_same_columns_must_have_as_many() -> None:
    with pytest.raises(ValueError, match="encoders: found parts of"):
        Together([Vector(2), Vector(3)])
