"""Encoders: shapes, missing features, determinism, and hypernetworks that read through them."""

import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from hyperrl.nets import MLP, HyperNetwork, group
from hyperrl.nets.encoders import (
    Architecture,
    Categorical,
    Concatenation,
    Encoder,
    MagnitudeInvariant,
    Masked,
    NearestTask,
    Noise,
    State,
    TaskEmbedding,
    Together,
    Vector,
)

Make = Callable[[], Encoder]
ENCODERS: dict[str, Make] = {
    "vector": lambda: Vector(3, (torch.tensor([0.0, -1.0, 5.0]), 10.0)),
    "magnitude-invariant": lambda: MagnitudeInvariant(2, (-3.0, 3.0)),
    "one-hot": lambda: Categorical([3, 2]),
    "embedded": lambda: Categorical([3, 2], embedding=4),
    "task": lambda: TaskEmbedding(5, 6),
    "noise": lambda: Noise(3),
    "architecture": lambda: Architecture(3, 64),
    "state": lambda: State(4),
    "masked": lambda: Masked(Vector(3)),
    "masked categories": lambda: Masked(Categorical([4])),
    "together": lambda: Concatenation([Masked(Vector(2)), Categorical([3]), Noise(1), TaskEmbedding(4, 2)]),
    "nearest": lambda: NearestTask([[0.0, 1.0], [2.0, -3.0], [0.5, 0.5]], 6),
    "side by side": lambda: Together([Masked(Vector(2)), NearestTask([[0.0, 1.0], [2.0, -3.0]], 4)]),
    "nested": lambda: Masked(Concatenation([Vector(1, (2.0, 4.0)), Categorical([3])])),
}


@pytest.mark.parametrize("name", ENCODERS)
def test_shapes_size_and_determinism(name: str) -> None:
    encoder = ENCODERS[name]()
    descriptors = encoder.sample(200)
    assert descriptors.shape == (200, encoder.dim)
    features = encoder(descriptors)
    assert features.shape == (200, encoder.features)
    assert torch.equal(features, encoder(descriptors))
    torch.testing.assert_close(features[7:9], encoder(descriptors[7:9]))
    assert not features.isnan().any()
    assert 0.1 < features.square().mean().sqrt() < 3
    assert encoder(encoder.filler().unsqueeze(0)).isfinite().all()
    assert encoder.sample(1).shape == (1, encoder.dim)


@pytest.mark.parametrize("name", ENCODERS)
def test_a_hypernetwork_reads_through_it(name: str) -> None:
    torch.manual_seed(0)
    encoder = ENCODERS[name]()
    target = MLP(3, 2, (8,))
    hyper = HyperNetwork(encoder.dim, target, encoder=encoder)
    rows = encoder.sample(6)
    distinct, index = group(rows)
    x = torch.randn(6, 3)
    y = target(x, hyper(distinct, index))
    for row in range(6):
        alone = target(x[row : row + 1], hyper(rows[row : row + 1]))
        torch.testing.assert_close(y[row : row + 1], alone)
    y.square().sum().backward()
    for parameter in encoder.parameters():
        assert parameter.grad is not None
        assert parameter.grad.any()
    assert torch.equal(hyper(rows).dense()["1.weight"], hyper(rows).dense()["1.weight"])


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


@pytest.mark.parametrize("strategy", ["full", "low-rank", "modulation"])
def test_what_is_generated_is_added_to_learned_weights(strategy: str) -> None:
    """A head that is twice as large changes weights twice as much, around weights that all tasks share."""
    hyper = HyperNetwork(2, MLP(3, 2, (8,)), strategy, magnitude_invariant=True)
    descriptors = torch.rand(5, 2) * 2 - 1
    assert hyper.encoder is not None
    _, weight, bias = (part.detach().clone() for part in hyper.generator.parts(hyper.encoder(descriptors)))
    found = []
    for size in (0.0, 1.0, 2.0):
        hyper.generator.set_head(size * weight, bias)
        found.append(hyper(descriptors).dense()["1.weight"])
    shared, once, twice = found
    assert torch.equal(shared, shared[:1].expand_as(shared))
    assert (once - shared).abs().max() > 0.01
    torch.testing.assert_close(twice - shared, 2 * (once - shared))


def test_categories_are_told_apart_and_checked() -> None:
    encoder = Categorical([3, 2])
    found = encoder(torch.tensor([[2.0, 0.0], [0.0, 1.0]]))
    assert found.tolist() == [[0, 0, 1, 1, 0], [1, 0, 0, 0, 1]]
    with pytest.raises(ValueError, match=r"column 1: found category 2; allowed: 0 to 1"):
        encoder(torch.tensor([[0.0, 1.0], [1.0, 2.0]]))
    tasks = TaskEmbedding(5, 6)
    with pytest.raises(ValueError, match="found category -1; allowed: 0 to 4"):
        tasks(torch.tensor([[-1.0]]))
    assert len(tasks(torch.arange(5.0).unsqueeze(1)).unique(dim=0)) == 5


def test_missing_features_are_told_and_their_values_have_no_part() -> None:
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


def test_architectures_are_described() -> None:
    encoder = Architecture(3, 64)
    assert encoder.describe((64, 8)).tolist() == [64, 8, 0]
    found = encoder(torch.stack([encoder.describe(()), encoder.describe((64, 1, 8))]))
    assert found.tolist()[0] == [-1, -1, -1, -1, 0, 0, 0]
    assert found.tolist()[1] == pytest.approx([1, 1, 1, 1, 1, -1, 0], abs=1e-6)
    for hidden in [(8,) * 4, (65,), (0,)]:
        with pytest.raises(ValueError, match="at most 3 widths from 1 to 64"):
            encoder.describe(hidden)


def test_states_of_any_size_are_taken_in() -> None:
    found = State(3)(torch.tensor([[-1e6, 0.0, math.e - 1]]))
    assert found.tolist()[0] == pytest.approx([-math.log(1e6 + 1), 0, 1], rel=1e-5)


def test_the_hypernetwork_sees_what_the_encoder_makes() -> None:
    with pytest.raises(ValueError, match=r"takes 3 columns; descriptor_dim is 2"):
        HyperNetwork(2, MLP(3, 1), encoder=Vector(3))
    with pytest.raises(ValueError, match="magnitude_invariant"):
        HyperNetwork(2, MLP(3, 1), encoder=Vector(2), magnitude_invariant=True)
    hyper = HyperNetwork(2, MLP(3, 1), magnitude_invariant=True, descriptor_range=(0.0, 2.0))
    assert isinstance(hyper.encoder, MagnitudeInvariant)
    seen: list[Tensor] = []
    hyper.generator.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    hyper(torch.tensor([[0.0, 2.0]]))
    assert seen[0].tolist()[0] == pytest.approx([1, 0, 0, 1], abs=1e-6)


def test_the_nearest_task_is_that_of_the_smallest_distance_over_the_columns_that_are_there() -> None:
    encoder = NearestTask([[0.0, 0.0], [1.0, 10.0], [3.0, 0.1]], 4)
    descriptors = torch.randn(50, 2) * 3
    distances = (descriptors.unsqueeze(1) - encoder.tasks).square().sum(dim=2)
    assert torch.equal(encoder.nearest(descriptors), distances.argmin(dim=1))
    assert torch.equal(encoder(encoder.tasks), encoder.table)
    missing = torch.tensor([[1.1, torch.nan], [torch.nan, 9.0], [2.2, torch.nan]])
    assert encoder.nearest(missing).tolist() == [1, 1, 2]
    fine = NearestTask([[100.0 + step * 1e-4] for step in range(9)], 2)
    assert torch.equal(fine.nearest(fine.tasks), torch.arange(9))


def test_what_does_not_go_together() -> None:
    with pytest.raises(ValueError, match="tasks: found"):
        NearestTask([], 4)
    with pytest.raises(ValueError, match="encoders: found parts of"):
        Together([Vector(2), Vector(3)])
