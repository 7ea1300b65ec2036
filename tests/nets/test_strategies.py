"""Every strategy: all its executions equal the naive loop over rows, outputs and gradients."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from hyperrl.nets import MLP, Parallel
from hyperrl.nets.grouping import Grouped, PerTask, SharedRows
from hyperrl.nets.layers import LayerSpec
from hyperrl.nets.strategies import STRATEGIES, Adapter, Full, Partial, Strategy, build
from hyperrl.nets.strategies.low_rank import LowRank
from hyperrl.nets.weights import BasisLinear, SharedLinear, Weights
from tests.nets.test_executions import assert_equal, naive

EXECUTIONS = ("outputs", "chosen", "formed", "basis")

OPTIONS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "low-rank": st.fixed_dictionaries({"rank": st.integers(1, 10)}),
    "full": st.just({}),
    "chunked": st.fixed_dictionaries({"chunk_size": st.integers(1, 40), "width": st.integers(1, 8)}),
    "adapter": st.fixed_dictionaries({"rank": st.integers(1, 5)}),
    "modulation": st.just({}),
    "mask": st.fixed_dictionaries({"sparsity": st.floats(0, 0.99)}),
}


@dataclass
class Case:
    """Weights of a strategy are a function of features and the last layer of a generator."""

    strategy: Any
    features: Tensor
    weight: Tensor
    bias: Tensor

    @classmethod
    def of(cls, strategy: Strategy, tasks: int, width: int = 4, dtype: torch.dtype = torch.float32) -> "Case":
        torch.manual_seed(1)
        with torch.no_grad():
            for parameter in strategy.parameters():
                parameter.add_(0.3 * torch.randn_like(parameter))
        sizes = ((tasks, width), (width, strategy.outputs), (strategy.outputs,))
        parts = [
            torch.randn(size, dtype=dtype) * scale for size, scale in zip(sizes, (1, 0.5, 0.5), strict=True)
        ]
        return cls(strategy.to(dtype), *(part.requires_grad_() for part in parts))

    @property
    def inputs(self) -> list[Tensor]:
        return [self.features, self.weight, self.bias, *self.strategy.parameters()]

    def weights(self, index: Tensor | None = None, execution: str = "outputs") -> Weights:
        weights: Weights
        if execution == "outputs":
            weights = self.strategy(torch.addmm(self.bias, self.features, self.weight), index)
            return weights
        with costs(execution):
            weights = self.strategy.from_features(self.features, self.weight, self.bias, index)
            return weights


@contextmanager
def costs(execution: str) -> Iterator[None]:
    """Makes full generation take one of its executions."""
    asked = {"chosen": None, "formed": "grouped", "basis": "basis"}[execution]
    with mock.patch.object(Full, "execution", asked):
        yield


def check(target: MLP, case: Case, index: Tensor | None, rows: int, execution: str) -> None:
    """Compares outputs and all gradients with those of the loop."""
    x = torch.randn(rows, target.in_features, dtype=case.features.dtype, requires_grad=True)
    upstream = torch.randn(rows, target.out_features, dtype=case.features.dtype)
    inputs = [x, *case.inputs]
    y = target(x, case.weights(index, execution))
    found = torch.autograd.grad((y * upstream).sum(), inputs, allow_unused=True)
    each = torch.arange(rows) % len(case.features) if index is None else index
    expected_y = naive(case.weights(), x, each, torch.tanh)
    expected = torch.autograd.grad((expected_y * upstream).sum(), inputs, allow_unused=True)
    assert_equal(y, expected_y)
    for one, other in zip(found, expected, strict=True):
        if other is None:
            assert one is None or not one.any()
        else:
            assert one is not None
            assert_equal(one, other)


@given(
    data=st.data(),
    name=st.sampled_from(sorted(STRATEGIES)),
    execution=st.sampled_from(EXECUTIONS),
    hidden=st.lists(st.integers(1, 9), max_size=3),
    sizes=st.tuples(st.integers(1, 5), st.integers(1, 4)),
    tasks=st.integers(1, 6),
    index=st.lists(st.integers(0, 1000), min_size=1, max_size=20),
    indexed=st.booleans(),
)
def test_executions_equal_the_loop_over_rows(
    data: st.DataObject,
    name: str,
    execution: str,
    hidden: list[int],
    sizes: tuple[int, int],
    tasks: int,
    index: list[int],
    indexed: bool,
) -> None:
    torch.manual_seed(0)
    target = MLP(*sizes, hidden)
    names = st.lists(st.sampled_from(sorted(target.layers)), min_size=1, max_size=4, unique=True)
    generate = data.draw(st.just("all") | names)
    strategy = build(name, target.layers, generate=generate, **data.draw(OPTIONS[name]))
    case = Case.of(strategy, tasks if indexed else len(index), dtype=torch.float64)
    check(target, case, torch.tensor(index) % tasks if indexed else None, len(index), execution)


@pytest.mark.parametrize(
    ("name", "execution"),
    [*((name, "chosen") for name in STRATEGIES), ("full", "basis"), ("adapter", "basis")],
)
@pytest.mark.parametrize(("tasks", "hidden"), [(1, (64, 64)), (5, (64, 64)), (24, (64, 64)), (5, (256, 256))])
def test_executions_equal_the_loop_in_single_precision(
    name: str, execution: str, tasks: int, hidden: tuple[int, ...]
) -> None:
    torch.manual_seed(0)
    target = MLP(6, 3, hidden)
    strategy = build(name, target.layers)
    features = torch.tanh(torch.randn(tasks, 16))
    head = strategy.head(torch.tanh(torch.randn(512, 16)))
    case = Case(strategy, *(part.requires_grad_() for part in (features, *head)))
    check(target, case, torch.randint(tasks, (24,)), 24, execution)
    if tasks == 24:
        check(target, case, None, 24, execution)


@pytest.mark.parametrize("execution", EXECUTIONS)
@pytest.mark.parametrize("name", STRATEGIES)
@pytest.mark.parametrize("tasks", [1, 5])
def test_one_row_a_task_formed_or_not(name: str, execution: str, tasks: int) -> None:
    target = MLP(3, 2, (5, 6))
    case = Case.of(build(name, target.layers), tasks)
    x, index = torch.randn(5, 3), torch.arange(5) % tasks
    weights = case.weights(None, execution)
    expected = naive(case.weights(), x, index, torch.tanh)
    assert_equal(target(x, weights), expected)
    assert_equal(target(x, weights.materialize()), expected)
    for key, tensor in weights.dense().items():
        assert_equal(tensor, case.weights().dense()[key])


@pytest.mark.parametrize("execution", EXECUTIONS)
@pytest.mark.parametrize("name", STRATEGIES)
@pytest.mark.parametrize("tasks", [1, 3])
def test_places_of_a_row_share_its_weights(name: str, execution: str, tasks: int) -> None:
    strategy = build(name, {"0": LayerSpec(3, 4)})
    case = Case.of(strategy, tasks)
    index = torch.tensor([2, 0, 2, 1, 2]) % tasks
    x = torch.randn(5, 7, 3)
    weights = case.weights(None if tasks == 1 else index, execution)
    dense = case.weights().dense()
    expected = torch.stack(
        [
            row @ dense["0.weight"][task].t() + dense["0.bias"][task]
            for row, task in zip(x, index, strict=True)
        ]
    )
    entered = weights.layout.enter(x.flatten(1)).reshape(*weights.layout.enter(x[:, 0]).shape[:-1], 7, 3)
    y = weights.layers["0"](entered).flatten(-2)
    assert_equal(weights.layout.leave(y).view(-1, 7, 4), expected)


@pytest.mark.parametrize("name", STRATEGIES)
def test_specialize_gives_the_plain_network_of_one_task(name: str) -> None:
    target = MLP(3, 2, (5,))
    case = Case.of(build(name, target.layers), 4)
    x = torch.randn(7, 3)
    plain = target.specialize(case.weights(), task=2)
    assert [type(module) for module in plain] == [nn.Linear, nn.Tanh, nn.Linear]
    assert not any(parameter.requires_grad for parameter in plain.parameters())
    assert_equal(plain(x), naive(case.weights(), x, torch.full((7,), 2), torch.tanh))


def test_the_weights_of_each_strategy_are_what_it_says() -> None:
    spec = LayerSpec(3, 4)
    made = {name: Case.of(build(name, {"0": spec}), 2) for name in STRATEGIES}
    weight = {name: case.weights().dense()["0.weight"].transpose(1, 2) for name, case in made.items()}
    bias = {name: case.weights().dense()["0.bias"] for name, case in made.items()}
    outputs = {name: case.features @ case.weight + case.bias for name, case in made.items()}

    change = {rank: Case.of(build("low-rank", {"0": LayerSpec(6, 7)}, rank=rank), 3) for rank in (1, 2)}
    for rank, case in change.items():
        low = case.weights().dense()["0.weight"]
        assert torch.linalg.matrix_rank(low[1:] - low[0], rtol=1e-4).tolist() == [2 * rank] * 2

    assert_equal(weight["full"], outputs["full"][:, :12].view(2, 3, 4))
    assert_equal(bias["full"], outputs["full"][:, 12:])

    shared, shared_bias = made["modulation"].strategy.shared()
    scale, shift = torch.split(outputs["modulation"], 4, dim=1)
    assert_equal(weight["modulation"], shared * scale.unsqueeze(1))
    assert_equal(bias["modulation"], shared_bias * scale + shift)

    shared, shared_bias = made["adapter"].strategy.shared()
    down, down_bias, up, up_bias = torch.split(outputs["adapter"], [24, 8, 24, 3], dim=1)
    down, up = down.view(2, 3, 8), up.view(2, 8, 3)
    assert_equal(weight["adapter"], (torch.eye(3) + down @ up) @ shared)
    inner = torch.einsum("gr,gri->gi", down_bias, up) + up_bias
    assert_equal(bias["adapter"], shared_bias + inner @ shared)

    shared, shared_bias = made["mask"].strategy.shared()
    logits = outputs["mask"]
    open_ones = logits >= logits.sort(dim=1).values[:, 6:7]
    assert_equal(weight["mask"], shared * (logits.sigmoid() * open_ones).view(2, 3, 4))
    assert_equal(bias["mask"], shared_bias.expand(2, -1))

    shifts, scales, head, biases = made["chunked"].strategy.shared()
    for task in range(2):
        chunks = (scales * torch.tanh(outputs["chunked"][task] + shifts)) @ head
        assert_equal(weight["chunked"][task], chunks[0, :12].view(3, 4))
        assert_equal(bias["chunked"][task], biases + chunks[1, :4])


def test_a_mask_is_sparse_to_the_part_asked_for() -> None:
    for sparsity, zeros in ((0.0, 0), (0.5, 6), (0.9, 10)):
        case = Case.of(build("mask", {"0": LayerSpec(3, 4)}, sparsity=sparsity), 5)
        assert ((case.weights().dense()["0.weight"] == 0).sum(dim=(1, 2)) == zeros).all()


@pytest.mark.parametrize("execution", EXECUTIONS)
def test_an_adapter_with_an_activation_is_a_bottleneck_with_a_skip_connection(execution: str) -> None:
    target = MLP(3, 2, (5,))
    case = Case.of(build("adapter", target.layers, rank=4, activation=nn.ReLU), 3)
    x, index = torch.randn(6, 3), torch.tensor([2, 0, 0, 1, 2, 0])
    w = case.weights().dense()
    rows = []
    for row, task in zip(x, index, strict=True):
        h = torch.tanh(w["0.weight"][task] @ row + w["0.bias"][task])
        narrow = torch.relu(w["1.down.weight"][task] @ h + w["1.down.bias"][task])
        h = h + w["1.up.weight"][task] @ narrow + w["1.up.bias"][task]
        rows.append(w["1.shared.weight"][task] @ h + w["1.shared.bias"][task])
    expected = torch.stack(rows)
    assert_equal(target(x, case.weights(index, execution)), expected)
    picked = Case(case.strategy, case.features[index], case.weight, case.bias)
    assert_equal(target(x, picked.weights(None, execution).materialize()), expected)
    for task in range(3):
        plain = target.specialize(case.weights(None, execution), task)
        assert not any(parameter.requires_grad for parameter in plain.parameters())
        assert_equal(plain(x)[index == task], expected[index == task])
    with pytest.raises(ValueError, match="activation"):
        case.weights().layers["1"].dense()


def test_adapters_follow_hidden_layers() -> None:
    target = Parallel({"actor": MLP(3, 2, (5, 6)), "critic": MLP(3, 1, (4,))})
    strategy = build("adapter", target.layers, rank=2)
    assert list(strategy.sections) == ["actor.1", "actor.2", "critic.1"]
    assert list(build("adapter", target.layers, generate=["actor.0"]).sections) == ["actor.0"]
    assert list(build("adapter", MLP(3, 2, ()).layers).sections) == ["0"]
    normal = MLP(3, 2, (5, 6), layer_norm=True)
    assert list(build("adapter", normal.layers).sections) == ["1", "2"]


def test_layers_that_are_not_generated_are_shared() -> None:
    target = Parallel({"actor": MLP(3, 2, (5, 6)), "critic": MLP(3, 1, (4,))})
    strategy = build("full", target.layers, generate=["actor.2", "critic"])
    assert isinstance(strategy, Partial)
    assert list(strategy.sections) == ["actor.2", "critic.0", "critic.1"]
    weights = Case.of(strategy, 3).weights(torch.tensor([1, 1, 2, 0]))
    assert list(weights.layers) == list(target.layers)
    dense = weights.dense()
    for name in target.layers:
        shared = isinstance(weights.layers[name], SharedLinear)
        assert shared == (name in {"actor.0", "actor.1"})
        assert bool((dense[f"{name}.weight"] == dense[f"{name}.weight"][:1]).all()) == shared
    assert not isinstance(build("full", target.layers, generate=list(target.layers)), Partial)


def test_a_layer_that_does_not_exist_is_named() -> None:
    layers = Parallel({"actor": MLP(3, 2, (5,)), "critic": MLP(3, 1, ())}).layers
    with pytest.raises(ValueError, match=r"'acto.1'; did you mean 'actor.1'\? allowed: actor.0, actor.1, "):
        build("full", layers, ["critic", "acto.1"])


def test_full_generation_takes_the_execution_that_costs_less() -> None:
    layers = MLP(8, 4, (64, 64)).layers
    strategy = Full(layers)

    def layout(width: int, index: Tensor | None, tasks: int) -> object:
        parts = torch.zeros(tasks, width), torch.zeros(width, strategy.outputs), torch.zeros(strategy.outputs)
        weights = strategy.from_features(*parts, index)
        basis = isinstance(next(iter(weights.layers.values())), BasisLinear)
        return "basis" if basis else type(weights.layout)

    index = torch.arange(256)
    assert layout(64, index % 16, 16) is Grouped
    assert layout(64, None, 1) is SharedRows
    assert layout(4, index % 64, 64) == "basis"
    assert layout(4, index % 4, 4) is Grouped
    assert layout(256, None, 256) is PerTask
    # one task with most of the rows: every other task's rows would be padded to as many
    skewed = torch.cat([torch.zeros(4000, dtype=torch.long), torch.arange(1, 97)])
    assert layout(2, skewed % 97, 97) == "basis"


def test_every_strategy_is_registered() -> None:
    assert STRATEGIES["low-rank"] is LowRank
    assert STRATEGIES["adapter"] is Adapter
    for strategy in STRATEGIES.values():
        assert issubclass(strategy, Strategy)
        assert isinstance(strategy(MLP(3, 2).layers).outputs, int)
