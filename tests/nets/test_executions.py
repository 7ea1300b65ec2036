"""Every execution equals the naive loop over rows, outputs and gradients."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from hyperrl.nets import MLP, STRATEGIES, HyperNetwork, Parallel, Weights, group

TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-11}
"""Of the largest entry."""


def naive(weights: Weights, x: Tensor, index: Tensor, activation: Callable[[Tensor], Tensor]) -> Tensor:
    dense = weights.dense()
    last = len(dense) // 2 - 1
    rows = []
    for row, task in zip(x, index, strict=True):
        h = row
        for layer in range(last + 1):
            h = dense[f"{layer}.weight"][task] @ h + dense[f"{layer}.bias"][task]
            h = activation(h) if layer < last else h
        rows.append(h)
    return torch.stack(rows)


def difference(found: Tensor, expected: Tensor) -> float:
    """The largest, as a part of the largest entry."""
    # the terms of a sum are of size 1: where they all but cancel, their rounding is what is left
    assert found.shape == expected.shape
    return float(((found - expected).abs().max() / expected.abs().max().clamp_min(0.1)).detach())


def assert_equal(found: Tensor, expected: Tensor) -> None:
    assert difference(found, expected) <= TOLERANCE[found.dtype]


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


def perturbed(module: nn.Module, seed: int = 1) -> None:
    """Moves every parameter away from its initial value, biases of zero among them."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator))


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


def test_a_parallel_target_applies_each_network_with_its_own_weights() -> None:
    target = Parallel({"actor": MLP(3, 2, (4,)), "critic": MLP(3, 1, (6, 5))})
    hyper = HyperNetwork(2, target, "full")
    perturbed(hyper)
    x, descriptors = torch.randn(6, 3), torch.randn(6, 2)
    weights = hyper(descriptors)
    outputs = target(x, weights)
    assert {name: tuple(y.shape) for name, y in outputs.items()} == {"actor": (6, 2), "critic": (6, 1)}
    for name, y in outputs.items():
        assert_equal(y, naive(weights[name], x, torch.arange(6), torch.tanh))
    with pytest.raises(KeyError, match="value"):
        weights["value"]


@given(st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)), min_size=1, max_size=40))
def test_group_finds_the_distinct_rows(rows: list[tuple[int, int]]) -> None:
    descriptors = torch.tensor(rows, dtype=torch.float32)
    distinct, index = group(descriptors)
    assert len(distinct) == len(set(rows))
    assert torch.equal(distinct[index], descriptors)


def test_group_survives_colliding_projections() -> None:
    # 1 * sqrt(1) + 0 * sqrt(2) + 0 * sqrt(3) + 0 * sqrt(4) = 1 = 0.5 * sqrt(4)
    descriptors = torch.tensor([[1.0, 0, 0, 0], [0, 0, 0, 0.5], [1.0, 0, 0, 0]])
    distinct, index = group(descriptors)
    assert len(distinct) == 2
    assert torch.equal(distinct[index], descriptors)


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
