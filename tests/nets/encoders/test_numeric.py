"""Encoders of numbers."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hyperrl.nets import (
    MLP,
    HyperNetwork,
)
from hyperrl.nets.encoders import (
    Concatenation,
    MagnitudeInvariant,
    Masked,
    Noise,
    State,
    Vector,
)
from tests.nets.encoders.cases import ENCODERS


def test_a_vector_is_scaled_by_its_range() -> None:
    encoder = ENCODERS["vector"]()
    found = encoder(torch.tensor([[0.0, -1.0, 5.0], [10.0, 10.0, 10.0], [5.0, 4.5, 7.5], [20.0, 4.5, 7.5]]))
    assert found.tolist() == [[-1, -1, -1], [1, 1, 1], [0, 0, 0], [3, 0, 0]]


def test_a_range_must_be_one() -> None:
    with pytest.raises(ValueError, match="descriptor_range"):
        Vector(2, (1.0, 1.0))


@given(st.lists(st.floats(-30, 30, width=32), min_size=1, max_size=4), st.booleans())
def test_magnitude_is_the_same_for_all_descriptors(values: list[float], missing: bool) -> None:
    encoder = MagnitudeInvariant(len(values), (-3.0, 3.0))
    descriptors = torch.tensor([values, [-3.0] * len(values)])
    features = encoder(descriptors)
    assert features.norm(dim=1) == pytest.approx(torch.full((2,), math.sqrt(len(values))), rel=1e-5)
    if all(abs(value) <= 3 for value in values):
        assert (features >= -1e-6).all()
    if missing:
        descriptors[0, 0] = math.nan
        norms = Masked(encoder)(descriptors).norm(dim=1)
        assert norms == pytest.approx(torch.full((2,), math.sqrt(2 * len(values))), rel=1e-5)


def test_numbers_turn_through_a_quarter_of_a_circle() -> None:
    features = MagnitudeInvariant(1, (-3.0, 3.0))(torch.tensor([[-3.0], [-1.0], [0.0], [3.0]]))
    half = math.sqrt(0.5)
    for found, expected in zip(
        features.tolist(), [[1, 0], [math.sqrt(0.75), 0.5], [half, half], [0, 1]], strict=True
    ):
        assert found == pytest.approx(expected, abs=1e-6)


def test_noise_is_a_distribution_over_networks() -> None:
    encoder = Concatenation([Vector(1), Noise(4)])
    target = MLP(2, 1, (8,))
    hyper = HyperNetwork(encoder.dim, target, "full", encoder=encoder)
    noise = encoder.parts()[1]
    assert isinstance(noise, Noise)
    draws = noise.draw(20, torch.Generator().manual_seed(0))
    assert torch.equal(draws, noise.draw(20, torch.Generator().manual_seed(0)))
    dense = hyper(torch.cat([torch.zeros(20, 1), draws], dim=1)).dense()["0.weight"]
    assert dense.std(dim=0).min() > 0


def test_states_of_any_size_are_taken_in() -> None:
    found = State(3)(torch.tensor([[-1e6, 0.0, math.e - 1]]))
    assert found.tolist()[0] == pytest.approx([-math.log(1e6 + 1), 0, 1], rel=1e-5)
