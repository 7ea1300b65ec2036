"""Every strategy, hypernetwork and target together: each execution equals the loop over rows.

Outputs, and gradients with respect to inputs, descriptors and all parameters of the hypernetwork, are within
1e-5 of the largest entry in single precision.
"""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from hyperrl.nets import GENERATORS, MLP, STRATEGIES, HyperNetwork, Weights, encoders, group
from hyperrl.nets.encoders import MagnitudeInvariant, Vector
from hyperrl.nets.strategies import Adapter, Full
from tests.nets.cases import (
    CASES,
    Case,
    all_pairs,
    assert_equal,
    difference,
    moved,
    naive,
    of_task,
    perturbed,
)
from tests.nets.encoders.cases import ENCODERS as BY_NAME
from tests.nets.strategies.cases import costs

OPTIONS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "low-rank": st.fixed_dictionaries({"rank": st.integers(1, 7)}),
    "full": st.just({}),
    "chunked": st.fixed_dictionaries({"chunk_size": st.integers(3, 40), "width": st.integers(2, 8)}),
    "adapter": st.fixed_dictionaries({"rank": st.integers(1, 5)}),
    "modulation": st.just({}),
    "mask": st.fixed_dictionaries({"sparsity": st.floats(0, 0.9)}),
}


HIDDEN: dict[str, tuple[tuple[int, ...], ...]] = {
    "linear": ((),),
    "mlp": ((5,), (7, 4), ()),
    "residual": ((6,), (5, 5, 5)),
    "transformer": ((4,), (8, 8)),
    "recurrent": ((5,), (4, 4)),
}


ENCODERS: dict[str, Callable[[], encoders.Encoder | None]] = {
    "as they are": lambda: None,
    "vector": lambda: encoders.Vector(2, (-1.0, 3.0)),
    "magnitude-invariant": lambda: encoders.MagnitudeInvariant(2),
    "masked": lambda: encoders.Masked(encoders.Vector(3), 0.5),
    "categories": lambda: encoders.Categorical([3, 2]),
    "task": lambda: encoders.TaskEmbedding(4, 3),
    "nearest": lambda: encoders.Together(
        [encoders.Masked(encoders.Vector(2)), encoders.NearestTask([[0.0, 1.0], [0.5, -1.0]], 3)]
    ),
    "state and noise": lambda: encoders.Concatenation([encoders.State(2), encoders.Noise(2)]),
}


LAYOUTS = ("one task", "a task a row", "groups", "groups and a task without rows")


def hypernetwork(
    data: st.DataObject, case: Case, strategy: str, architecture: str, **options: Any
) -> HyperNetwork:
    """One with choices drawn, its parameters moved away from their start."""
    encoder = ENCODERS[data.draw(st.sampled_from(sorted(ENCODERS)), label="encoder")]()
    names = st.lists(st.sampled_from(list(case.target.layers)), min_size=1, unique=True)
    hyper = HyperNetwork(
        2 if encoder is None else encoder.dim,
        case.target,
        strategy,
        hidden=data.draw(st.sampled_from(HIDDEN[architecture]), label="hidden"),
        strategy_options=data.draw(OPTIONS[strategy], label="options") | options,
        generate=data.draw(st.just("all") | names, label="generate"),
        architecture=architecture,
        encoder=encoder,
        head_norm=data.draw(st.sampled_from([None, None, "weight", "spectral"]), label="head_norm"),
        separate_head=data.draw(st.booleans(), label="separate_head"),
    )
    moved(hyper)
    return hyper


def batch(data: st.DataObject, hyper: HyperNetwork) -> tuple[Tensor, Tensor | None, Tensor]:
    """Descriptors, the index of rows, and the task of each row that it means."""
    layout = data.draw(st.sampled_from(LAYOUTS), label="layout")
    tasks = 1 if layout == "one task" else data.draw(st.integers(1, 4), label="tasks")
    numbers = data.draw(st.lists(st.integers(0, tasks - 1), min_size=1, max_size=6), label="index")
    rows = torch.arange(tasks) if layout == "a task a row" else torch.tensor(numbers)
    index = None if layout == "a task a row" else rows
    if layout == "one task" and data.draw(st.booleans(), label="no index"):
        index = None
    tasks += layout.endswith("without rows")
    encoder = hyper.encoder
    descriptors = torch.rand(tasks, 2) * 2 - 1 if encoder is None else encoder.sample(tasks)
    return descriptors.requires_grad_(), index, rows


def chosen(case: Case, hyper: HyperNetwork, x: Tensor, descriptors: Tensor, index: Tensor | None) -> Tensor:
    return case.apply(x, hyper(descriptors, index))


def forced(execution: str) -> Callable[..., Tensor]:
    def apply(*arguments: Any) -> Tensor:
        with costs(execution):
            return chosen(*arguments)

    return apply


def materialized(
    case: Case, hyper: HyperNetwork, x: Tensor, descriptors: Tensor, index: Tensor | None
) -> Tensor:
    """Weights formed once, as for acting: row i is task i."""
    return case.apply(x, hyper(descriptors if index is None else descriptors[index]).materialize())


def joined(case: Case, hyper: HyperNetwork, x: Tensor, descriptors: Tensor, index: Tensor | None) -> Tensor:
    """Weights formed task by task and put together, as for acting on tasks that come and go."""
    weights = hyper(descriptors, index)
    each = torch.arange(len(x)) % len(descriptors) if index is None else index
    return case.apply(x, Weights.join([weights.of_task(task) for task in each.tolist()]))


def dense(case: Case, hyper: HyperNetwork, x: Tensor, descriptors: Tensor, index: Tensor | None) -> Tensor:
    """Plain tensors of all tasks at once, applied row by row."""
    tensors = hyper(descriptors, index).dense()
    each = torch.arange(len(x)) % len(descriptors) if index is None else index
    rows = zip(x, each.tolist(), strict=True)
    return torch.stack([case.naive(of_task(tensors, task), one, row) for row, (one, task) in enumerate(rows)])


def executions(hyper: HyperNetwork) -> dict[str, Callable[..., Tensor]]:
    found = {"chosen": chosen, "materialized": materialized, "joined": joined, "dense": dense}
    if isinstance(hyper.strategy, Full | Adapter):
        found |= {"grouped": forced("formed"), "basis": forced("basis")}
    return found


def with_gradients(y: Tensor, inputs: list[Tensor]) -> list[Tensor]:
    """Outputs and gradients: zeros for an input that has no part, such as the number of a category."""
    upstream = torch.arange(y.numel(), dtype=y.dtype).cos().view_as(y)
    found = torch.autograd.grad((y * upstream).sum(), inputs, allow_unused=True)
    pairs = zip(inputs, found, strict=True)
    return [y.detach(), *(torch.zeros_like(one) if grad is None else grad for one, grad in pairs)]


@dataclass
class Batch:
    """A hypernetwork, rows and their tasks, and what the loop over rows makes of them."""

    case: Case
    hyper: HyperNetwork
    x: Tensor
    descriptors: Tensor
    rows: Tensor

    @property
    def inputs(self) -> list[Tensor]:
        return [self.x, self.descriptors, *self.hyper.parameters()]

    @cached_property
    def loop(self) -> list[Tensor]:
        y = self.case.loop(self.hyper, self.descriptors, self.rows, self.x)
        return with_gradients(y, self.inputs)

    @cached_property
    def exact(self) -> list[Tensor]:
        """The loop in double precision."""
        x, descriptors = (one.detach().double().requires_grad_() for one in (self.x, self.descriptors))
        return Batch(self.case, deepcopy(self.hyper).double(), x, descriptors, self.rows).loop

    def check(self, y: Tensor) -> None:
        """Outputs y and their gradients equal the loop's."""
        found = with_gradients(y, self.inputs)
        for number, (one, other) in enumerate(zip(found, self.loop, strict=True)):
            if difference(one, other) > 1e-5:
                # where a network enlarges the loop's own rounding beyond that, an execution may be as far off
                rounding = difference(other.double(), self.exact[number])
                assert difference(one.double(), self.exact[number]) <= 1e-5 + 2 * rounding


def check(data: st.DataObject, kind: str, strategy: str, architecture: str, **options: Any) -> None:
    torch.manual_seed(data.draw(st.integers(0, 2**16), label="seed"))
    case = CASES[kind](lambda low, high: data.draw(st.integers(low, high)))
    hyper = hypernetwork(data, case, strategy, architecture, **options)
    descriptors, index, rows = batch(data, hyper)
    x = torch.randn(len(rows), *case.shape, requires_grad=True)
    expected = Batch(case, hyper, x, descriptors, rows)
    for execute in executions(hyper).values():
        expected.check(execute(case, hyper, x, descriptors, index))


COMBINATIONS = all_pairs(tuple(CASES), tuple(STRATEGIES), tuple(GENERATORS))


@pytest.mark.parametrize(("kind", "strategy", "architecture"), COMBINATIONS)
@settings(max_examples=3)
@given(data=st.data())
def test_executions_equal_the_loop_over_rows(
    data: st.DataObject, kind: str, strategy: str, architecture: str
) -> None:
    check(data, kind, strategy, architecture)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "strategy", "architecture"), list(product(CASES, STRATEGIES, GENERATORS)))
@settings(max_examples=25)
@given(data=st.data())
def test_executions_equal_the_loop_over_rows_in_many_more_cases(
    data: st.DataObject, kind: str, strategy: str, architecture: str
) -> None:
    check(data, kind, strategy, architecture)


@pytest.mark.parametrize("kind", [kind for kind in CASES if kind not in ("module", "varying")])
@settings(max_examples=5)
@given(data=st.data(), architecture=st.sampled_from(sorted(GENERATORS)))
def test_adapters_with_an_activation_do_too(data: st.DataObject, kind: str, architecture: str) -> None:
    check(data, kind, "adapter", architecture, activation=nn.ReLU)


def compare(target: MLP, hyper: HyperNetwork, descriptors: Tensor, index: Tensor | None, rows: int) -> None:
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
    compare(target, hyper.double(), descriptors, torch.tensor(index) % tasks if indexed else None, len(index))


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


SIZES: dict[str, tuple[int, ...]] = {
    "linear": (64,),
    "mlp": (6, 5),
    "residual": (6, 6, 6),
    "transformer": (8, 8),
    "recurrent": (6, 6),
}


def made(target: MLP, strategy: str, architecture: str, **options: Any) -> HyperNetwork:
    hidden = options.pop("hidden", SIZES[architecture])
    return HyperNetwork(3, target, strategy, rank=4, hidden=hidden, architecture=architecture, **options)


@pytest.mark.parametrize(
    ("strategy", "architecture"), list(zip(STRATEGIES, [*GENERATORS, "mlp"], strict=True))
)
def test_parameter_groups_hold_every_parameter_once(strategy: str, architecture: str) -> None:
    hyper = made(MLP(4, 2, (8,)), strategy, architecture, separate_head=True)
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
    hyper = made(MLP(4, 2, (8,)), "low-rank", "mlp")
    assert [group["name"] for group in hyper.parameter_groups(0.5, 1.0, 0.5)] == ["generator", "shared"]
    with pytest.raises(ValueError, match="separate_head"):
        hyper.parameter_groups(head_lr_scale=0.1)


@pytest.mark.parametrize("architecture", GENERATORS)
def test_a_separate_head_changes_no_weight(architecture: str) -> None:
    found = []
    for separate in [False, True]:
        torch.manual_seed(0)
        hyper = made(MLP(4, 2, (8,)), "full", architecture, separate_head=separate)
        found.append(hyper(torch.full((2, 3), 0.3)).dense()["1.weight"])
    assert torch.equal(*found)


@pytest.mark.parametrize("name", BY_NAME)
def test_a_hypernetwork_reads_through_it(name: str) -> None:
    torch.manual_seed(0)
    encoder = BY_NAME[name]()
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
