"""Hypernetworks and their descriptors: tasks, one learned descriptor, encoders, groups of parameters."""

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from hyperrl.nets import GENERATORS, MLP, STRATEGIES, HyperNetwork, group
from hyperrl.nets.encoders import MagnitudeInvariant, Vector
from tests.nets.cases import assert_equal, naive, perturbed
from tests.nets.encoders.cases import ENCODERS


def check(target: MLP, hyper: HyperNetwork, descriptors: Tensor, index: Tensor | None, rows: int) -> None:
    """Compares outputs and all gradients with those of the loop."""
    x = torch.randn(rows, target.in_features, dtype=descriptors.dtype, requires_grad=True)
    upstream = torch.randn(rows, target.out_features, dtype=descriptors.dtype)
    inputs = [x, *hyper.parameters()]
    y = target(x, hyper(descriptors, index))
    found = torch.autograd.grad((y * upstream).sum(), inputs)
    each = torch.arange(rows) if index is None else index
    expected_y = naive(hyper(descriptors), x, each, torch.tanh)
    expected = torch.autograd.grad((expected_y * upstream).sum(), inputs)
    assert_equal(y, expected_y)
    for one, other in zip(found, expected, strict=True):
        assert_equal(one, other)


@given(
    strategy=st.sampled_from(sorted(STRATEGIES)),
    hidden=st.lists(st.integers(1, 9), max_size=3),
    trunk=st.lists(st.integers(1, 6), max_size=2),
    sizes=st.tuples(st.integers(1, 4), st.integers(1, 5), st.integers(1, 4)),
    rank=st.integers(1, 10),
    tasks=st.integers(1, 6),
    index=st.lists(st.integers(0, 1000), min_size=1, max_size=20),
    indexed=st.booleans(),
)
def test_execution_equals_the_loop_over_rows(
    strategy: str,
    hidden: list[int],
    trunk: list[int],
    sizes: tuple[int, int, int],
    rank: int,
    tasks: int,
    index: list[int],
    indexed: bool,
) -> None:
    torch.manual_seed(0)
    descriptor_dim, in_features, out_features = sizes
    target = MLP(in_features, out_features, hidden)
    hyper = HyperNetwork(descriptor_dim, target, strategy, rank=rank, hidden=trunk)
    perturbed(hyper)
    descriptors = torch.randn(tasks if indexed else len(index), descriptor_dim, dtype=torch.float64)
    check(target, hyper.double(), descriptors, torch.tensor(index) % tasks if indexed else None, len(index))


def test_no_descriptor_is_one_task_with_one_learned_descriptor() -> None:
    target = MLP(3, 2, (5,))
    hyper = HyperNetwork(0, target)
    perturbed(hyper)
    x = torch.randn(4, 3)
    y = target(x, hyper(torch.empty(1, 0)))
    assert_equal(target(x, hyper(torch.empty(4, 0))), y)
    y.sum().backward()
    assert hyper.learned is not None
    assert hyper.learned.grad is not None


HIDDEN: dict[str, tuple[int, ...]] = {
    "linear": (64,),
    "mlp": (6, 5),
    "residual": (6, 6, 6),
    "transformer": (8, 8),
    "recurrent": (6, 6),
}


def hypernetwork(target: MLP, strategy: str, architecture: str, **options: Any) -> HyperNetwork:
    hidden = options.pop("hidden", HIDDEN[architecture])
    return HyperNetwork(3, target, strategy, rank=4, hidden=hidden, architecture=architecture, **options)


@pytest.mark.parametrize(
    ("strategy", "architecture"), list(zip(STRATEGIES, [*GENERATORS, "mlp"], strict=True))
)
def test_parameter_groups_hold_every_parameter_once(strategy: str, architecture: str) -> None:
    hyper = hypernetwork(MLP(4, 2, (8,)), strategy, architecture, separate_head=True)
    groups = hyper.parameter_groups(0.5, 2.0, 0.1, lr=1e-2)
    scales = {group["name"]: group["lr_scale"] for group in groups}
    assert scales.items() <= {"generator": 0.5, "shared": 2.0, "heads": 0.1}.items()
    assert all(group["lr"] == pytest.approx(group["lr_scale"] * 1e-2) for group in groups)
    found = [id(parameter) for group in groups for parameter in group["params"]]
    assert sorted(found) == sorted(id(parameter) for parameter in hyper.parameters())
    torch.optim.Adam(groups)
    assert [list(group["params"]) for group in groups if group["name"] == "heads"] == [
        list(hyper.generator.head.parameters()) if hyper.generator.head is not None else []
    ]


def test_heads_in_one_parameter_with_the_rest_have_no_rate_of_their_own() -> None:
    hyper = hypernetwork(MLP(4, 2, (8,)), "low-rank", "mlp")
    assert [group["name"] for group in hyper.parameter_groups(0.5, 1.0, 0.5)] == ["generator", "shared"]
    with pytest.raises(ValueError, match="separate_head"):
        hyper.parameter_groups(head_lr_scale=0.1)


@pytest.mark.parametrize("architecture", GENERATORS)
def test_a_separate_head_changes_no_weight(architecture: str) -> None:
    found = []
    for separate in [False, True]:
        torch.manual_seed(0)
        hyper = hypernetwork(MLP(4, 2, (8,)), "full", architecture, separate_head=separate)
        found.append(hyper(torch.full((2, 3), 0.3)).dense()["1.weight"])
    assert torch.equal(*found)


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


@pytest.mark.parametrize("strategy", ["full", "low-rank", "modulation"])
def test_what_is_generated_is_added_to_learned_weights(strategy: str) -> None:
    """A head that is twice as large changes weights twice as much, around weights that all tasks share."""
    hyper = HyperNetwork(2, MLP(3, 2, (8,)), strategy, magnitude_invariant=True)
    descriptors = torch.rand(5, 2) * 2 - 1
    assert hyper.encoder is not None
    _, weight, bias = (part.detach().clone() for part in hyper.generator(hyper.encoder(descriptors))[:3])
    found = []
    for size in (0.0, 1.0, 2.0):
        hyper.generator.set_head(size * weight, bias)
        found.append(hyper(descriptors).dense()["1.weight"])
    shared, once, twice = found
    assert torch.equal(shared, shared[:1].expand_as(shared))
    assert (once - shared).abs().max() > 0.01
    torch.testing.assert_close(twice - shared, 2 * (once - shared))


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
