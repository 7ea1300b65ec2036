"""Every kind of target with every strategy equals a plain network a row, outputs and gradients."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

from hyperrl.nets import CNN, GRU, MLP, HyperNetwork, ModuleTarget, VaryingMLP
from hyperrl.nets.strategies import STRATEGIES
from tests.nets.test_executions import assert_equal

Dense = dict[str, Tensor]


@dataclass
class Case:
    """A target, a row's input, how to apply it, and what torch itself makes of one row and plain weights."""

    target: Any
    shape: tuple[int, ...]
    naive: Callable[[Dense, Tensor, int], Tensor]
    more: Callable[[int], tuple[Tensor, ...]] = lambda rows: ()

    def apply(self, x: Tensor, weights: Any, rows: slice = slice(None)) -> Tensor:
        more = tuple(each[rows] for each in self.more(1000))
        y = self.target(x, weights, *(each[: len(x)] for each in more))
        return torch.cat([part.flatten(1) for part in y], dim=1) if isinstance(y, tuple) else y


def moved(module: nn.Module, seed: int = 1) -> None:
    """Every parameter away from its initial value, not so far that tanh saturates: rounding is tested too."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))


def linear(dense: Dense, name: str, h: Tensor) -> Tensor:
    return functional.linear(h, dense[f"{name}.weight"], dense[f"{name}.bias"])


def mlp(layer_norm: bool, residual: bool) -> Case:
    hidden = (
        (12, 12, 9) if layer_norm else (5, 5, 4)
    )  # a norm of few units divides by almost nothing at times
    target = MLP(3, 2, hidden, nn.ELU, layer_norm=layer_norm, residual=residual)

    def naive(dense: Dense, x: Tensor, _: int) -> Tensor:
        h = x
        for number in range(3):
            after = linear(dense, str(number), h)
            if layer_norm:
                change, shift = linear(dense, f"norm.{number}", torch.ones(1, dtype=x.dtype)).chunk(2)
                after = functional.layer_norm(after, after.shape, 1 + change, shift)
            after = functional.elu(after)
            h = h + after if residual and number == 1 else after
        return linear(dense, "3", h)

    return Case(target, (3,), naive)


def cnn() -> Case:
    target = CNN((2, 8, 7), 3, ((4, 3, 2), (3, 2, 1)), (5,), nn.Tanh, with_latent=True)

    def naive(dense: Dense, x: Tensor, _: int) -> Tensor:
        h = x
        for number, (shape, stride) in enumerate([((4, 2, 3, 3), 2), ((3, 4, 2, 2), 1)]):
            kernel = dense[f"conv.{number}.weight"].reshape(shape)
            h = torch.tanh(functional.conv2d(h, kernel, dense[f"conv.{number}.bias"], stride))
        latent = torch.tanh(linear(dense, "head.0", h.flatten()))
        return torch.cat([linear(dense, "head.1", latent), latent])

    return Case(target, (2, 8, 7), naive)


def gru() -> Case:
    target = GRU(3, 2, 4, with_latent=True)
    generator = torch.Generator().manual_seed(0)
    states = torch.randn(1000, 4, generator=generator)
    starts = torch.rand(1000, 5, generator=generator) < 0.3

    def naive(dense: Dense, x: Tensor, row: int) -> Tensor:
        h, outputs = states[row], []
        names = ("input.weight", "recurrent.weight", "input.bias", "recurrent.bias")
        for step, now in enumerate(x):
            h = torch.zeros_like(h) if starts[row, step] else h
            h = torch.gru_cell(now[None], h[None], *(dense[name] for name in names))[0]
            outputs.append(torch.cat([linear(dense, "output", h), h]))
        return torch.cat([*outputs, h])

    return Case(target, (5, 3), naive, lambda rows: (states[:rows], starts[:rows]))


def varying() -> Case:
    target = VaryingMLP(3, 2, 6, 3)
    networks = [(6,), (2, 5), (1, 6, 3), (4, 4), (6, 6, 6)] * 200

    def naive(dense: Dense, x: Tensor, row: int) -> Tensor:
        h, into, scale = x, 3, 1.0
        for number, size in enumerate(networks[row]):
            weight = dense[f"{number}.weight"][:size, :into] * scale
            h = torch.tanh(functional.linear(h, weight, dense[f"{number}.bias"][:size]))
            into, scale = size, (6 / size) ** 0.5
        return functional.linear(h, dense["3.weight"][:, :into] * scale, dense["3.bias"])

    return Case(target, (3,), naive, lambda rows: (target.sizes(networks[:rows]),))


class Mixed(nn.Module):
    """Parameters of many kinds: of convolutions, of a norm, without a bias, tied, of no layer, a scalar."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(2, 12, 2)
        self.norm = nn.LayerNorm(12)
        self.first = nn.Linear(12, 12, bias=False)
        self.second = nn.Linear(12, 12)
        self.second.weight = self.first.weight
        self.scale = nn.Parameter(torch.tensor(0.7))
        self.shift = nn.Parameter(torch.randn(2, 12))
        self.offset = nn.Buffer(torch.randn(12))

    def forward(self, x: Tensor) -> Tensor:
        h = self.norm(self.conv(x).transpose(1, 2)) + self.shift
        return torch.tanh(self.second(torch.tanh(self.first(h))) * self.scale + self.offset).sum(dim=1)


def module() -> Case:
    plain = Mixed()
    target = ModuleTarget(plain)

    def naive(dense: Dense, x: Tensor, _: int) -> Tensor:
        conv = functional.conv1d(x[None], dense["conv.weight"].view(12, 2, 2), dense["conv.bias"])
        norm = functional.layer_norm(conv[0].t(), (12,), dense["norm.weight"].flatten(), dense["norm.bias"])
        h = norm + dense["shift.weight"]
        first = dense["first.weight.weight"]
        h = functional.linear(
            torch.tanh(functional.linear(h, first)), first, dense["second.bias.weight"][:, 0]
        )
        return torch.tanh(h * dense["scale.weight"].squeeze() + plain.offset).sum(dim=0)

    return Case(target, (2, 3), naive)


CASES: dict[str, Callable[[], Case]] = {
    "mlp": lambda: mlp(False, False),
    "mlp-norm": lambda: mlp(True, False),
    "mlp-norm-residual": lambda: mlp(True, True),
    "cnn": cnn,
    "gru": gru,
    "varying": varying,
    "module": module,
}


def of_task(dense: Dense, task: int) -> Dense:
    return {name: tensor[task] for name, tensor in dense.items()}


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("kind", CASES)
@settings(max_examples=20)
@given(
    tasks=st.integers(1, 5),
    index=st.lists(st.integers(0, 1000), min_size=1, max_size=12),
    indexed=st.booleans(),
    seed=st.integers(0, 2**16),
)
def test_target_equals_plain_networks(
    kind: str, strategy: str, tasks: int, index: list[int], indexed: bool, seed: int
) -> None:
    torch.manual_seed(seed)
    case = CASES[kind]()
    hyper = HyperNetwork(2, case.target, strategy, rank=2, hidden=(4,))
    moved(hyper, seed)
    dtype = torch.float32 if kind == "gru" else torch.float64  # the carried states are single
    hyper.to(dtype)
    rows = torch.tensor(index) % tasks if indexed else torch.arange(len(index))
    descriptors = torch.randn(tasks if indexed else len(index), 2, dtype=dtype)
    x = torch.randn(len(rows), *case.shape, dtype=dtype, requires_grad=True)
    inputs = [x, *hyper.parameters()]

    y = case.apply(x, hyper(descriptors, rows if indexed else None))
    dense = hyper(descriptors).dense()
    expected = torch.stack(
        [case.naive(of_task(dense, int(task)), x[row], row) for row, task in enumerate(rows)]
    )
    upstream = torch.randn_like(expected)
    found_gradients = torch.autograd.grad((y * upstream).sum(), inputs)
    expected_gradients = torch.autograd.grad((expected * upstream).sum(), inputs)

    assert_equal(y, expected)
    for one, other in zip(found_gradients, expected_gradients, strict=True):
        assert_equal(one, other)


def parts(plain: Any, generated: Any) -> list[tuple[Tensor, Tensor]]:
    """What a plain network gives beside what a target gives, latent left out."""
    both = zip(plain, generated, strict=True) if isinstance(plain, tuple) else [(plain, generated)]
    return [(one, other[..., : one.shape[-1]]) for one, other in both]


@pytest.mark.parametrize("kind", [kind for kind in CASES if kind not in ("module", "varying")])
@given(index=st.lists(st.integers(0, 2), min_size=1, max_size=8), seed=st.integers(0, 2**16))
@settings(max_examples=10)
def test_adapters_with_an_activation_equal_rows_alone(kind: str, index: list[int], seed: int) -> None:
    torch.manual_seed(seed)
    case = CASES[kind]()
    options = {"activation": nn.ReLU, "rank": 2}
    hyper = HyperNetwork(2, case.target, "adapter", hidden=(4,), strategy_options=options)
    moved(hyper, seed)
    rows, descriptors = torch.tensor(index), torch.randn(3, 2)
    x = torch.randn(len(rows), *case.shape)
    together = case.apply(x, hyper(descriptors, rows))
    for row, task in enumerate(index):
        part = slice(row, row + 1)
        more = tuple(each[part] for each in case.more(len(rows)))
        alone = case.target(x[part], hyper(descriptors[task : task + 1]), *more)
        plain = case.target.specialize(hyper(descriptors), task)(x[part], *more)
        for one, other in parts(plain, alone):
            assert_equal(one, other)
        assert_equal(torch.cat([y.flatten(1) for _, y in parts(alone, alone)], dim=1), together[part])


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("kind", [kind for kind in CASES if kind != "varying"])
def test_plain_network_of_one_task(kind: str, strategy: str) -> None:
    torch.manual_seed(0)
    case = CASES[kind]()
    hyper = HyperNetwork(2, case.target, strategy, rank=2, hidden=(4,))
    moved(hyper)
    descriptors, x = torch.randn(4, 2), torch.randn(3, *case.shape)
    more = case.more(3)
    plain = case.target.specialize(hyper(descriptors), task=2)
    for one, other in parts(plain(x, *more), case.target(x, hyper(descriptors[2:3]), *more)):
        assert_equal(one, other)
    assert not any(parameter.requires_grad for parameter in plain.parameters())


def test_plain_networks_are_made_of_torchs_own_layers() -> None:
    plain = {}
    for kind in ("mlp-norm-residual", "cnn"):
        target = CASES[kind]().target
        plain[kind] = target.specialize(HyperNetwork(2, target)(torch.zeros(1, 2)))
    names = [type(module).__name__ for module in plain["mlp-norm-residual"].modules()]
    block = ["Linear", "LayerNorm", "ELU"]
    assert names == ["Sequential", *block, "Residual", *block, *block, "Linear"]
    names = [type(module).__name__ for module in plain["cnn"]]
    assert names == ["Conv2d", "Tanh", "Conv2d", "Tanh", "Flatten", "Linear", "Tanh", "Linear"][: len(names)]


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("kind", CASES)
def test_formed_weights_give_the_same_outputs(kind: str, strategy: str) -> None:
    torch.manual_seed(0)
    case = CASES[kind]()
    hyper = HyperNetwork(2, case.target, strategy, rank=2, hidden=(4,))
    moved(hyper)
    x, descriptors = torch.randn(4, *case.shape), torch.randn(4, 2)
    for tasks in (1, 4):
        weights = hyper(descriptors[:tasks])
        assert_equal(case.apply(x, weights.formed()), case.apply(x, weights))


def test_gru_is_torchs() -> None:
    target = GRU(3, 2, 4)
    hyper = HyperNetwork(2, target)
    moved(hyper)
    weights = hyper(torch.randn(1, 2))
    dense = of_task(weights.dense(), 0)
    plain = nn.GRU(3, 4, batch_first=True)
    with torch.no_grad():
        for name, own in [("input", "ih"), ("recurrent", "hh")]:
            for kind in ("weight", "bias"):
                plain.get_parameter(f"{kind}_{own}_l0").copy_(dense[f"{name}.{kind}"])
    x, state = torch.randn(6, 5, 3), torch.randn(6, 4)
    latent, last = plain(x, state[None])
    y, found = target(x, weights, state)
    assert_equal(found, last[0])
    assert_equal(y, functional.linear(latent, dense["output.weight"], dense["output.bias"]))
    first, between = target(x[:, :2], weights, state)
    second, end = target(x[:, 2:], weights, between)
    assert_equal(torch.cat([first, second], dim=1), y)
    assert_equal(end, found)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_smaller_networks_hold_no_unit_that_is_not_used(strategy: str) -> None:
    target = VaryingMLP(3, 2, 6, 3)
    hyper = HyperNetwork(2, target, strategy, rank=2)
    moved(hyper)
    weights, x = hyper(torch.randn(4, 2)), torch.randn(4, 3)
    y = target(x, weights, target.sizes([(2, 4), (6,), (1, 1, 1), (6, 6, 6)]))
    plain = target.specialize(weights, 0, (2, 4))
    shapes = [tuple(module.weight.shape) for module in plain if isinstance(module, nn.Linear)]
    assert shapes == [(2, 3), (4, 2), (2, 4)]
    assert_equal(plain(x[:1]), y[:1])
    assert_equal(target.specialize(weights, 3)(x[3:]), y[3:])


def test_every_size_starts_with_the_statistics_of_its_own() -> None:
    torch.manual_seed(0)
    target = VaryingMLP(64, 64, 64, 3, nn.Identity, gain=1.0)
    hyper = HyperNetwork(2, target)
    x = torch.randn(400, 64)
    weights = hyper(torch.rand(400, 2) * 2 - 1)
    for hidden in [(64, 64, 64), (16, 16, 16), (8,), (32, 4)]:
        y = target(x, weights, target.sizes([hidden]))
        assert y.detach().square().mean() == pytest.approx(1.0, rel=0.35)


def test_gates_start_as_orthogonal_matrices_of_one_gate_do() -> None:
    torch.manual_seed(0)
    target = GRU(32, 2, 32)
    dense = HyperNetwork(2, target)(torch.rand(8, 2)).dense()
    for name in ("input", "recurrent"):
        assert dense[f"{name}.weight"].detach().square().mean() == pytest.approx(1 / 32, rel=0.1)


def test_norms_start_near_one_and_zero() -> None:
    target = MLP(3, 2, (64,), layer_norm=True)
    plain = target.specialize(HyperNetwork(2, target)(torch.rand(1, 2)))
    norm = plain[1]
    assert isinstance(norm, nn.LayerNorm)
    assert (norm.weight - 1).abs().max() < 0.1
    assert norm.bias.abs().max() < 0.1


def test_scale_and_shift_of_norms_can_be_shared() -> None:
    target = MLP(3, 2, (6,), layer_norm=True)
    hyper = HyperNetwork(2, target, generate=["0", "1"])
    moved(hyper)
    dense = hyper(torch.randn(3, 2)).dense()
    assert torch.equal(dense["norm.0.weight"][0], dense["norm.0.weight"][1])
    assert not torch.equal(dense["0.weight"][0], dense["0.weight"][1])


def test_shapes_that_do_not_fit_are_named() -> None:
    with pytest.raises(ValueError, match=r"convolutions\[1\]: found kernel size 3.*at most 2"):
        CNN((1, 5, 6), 2, ((4, 3, 2), (4, 3, 1)))
    target = VaryingMLP(3, 2, 6, 2)
    for hidden in [(), (7,), (0,), (1, 1, 1)]:
        with pytest.raises(ValueError, match="1 to 2 sizes of 1 to 6"):
            target.sizes([(2,), hidden])
    with pytest.raises(ValueError, match="width, depth"):
        VaryingMLP(3, 2, 0)
