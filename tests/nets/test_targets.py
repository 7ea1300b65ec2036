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
from tests.nets.test_executions import assert_equal, perturbed

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


def linear(dense: Dense, name: str, h: Tensor) -> Tensor:
    return functional.linear(h, dense[f"{name}.weight"], dense[f"{name}.bias"])


def mlp(layer_norm: bool, residual: bool) -> Case:
    target = MLP(3, 2, (5, 5, 4), nn.ELU, layer_norm=layer_norm, residual=residual)

    def naive(dense: Dense, x: Tensor, _: int) -> Tensor:
        h = x
        for number in range(3):
            after = linear(dense, str(number), h)
            if layer_norm:
                change, shift = linear(dense, f"{number}.norm", torch.ones(1)).chunk(2)
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
        self.conv = nn.Conv1d(2, 3, 2)
        self.norm = nn.LayerNorm(3)
        self.first = nn.Linear(3, 3, bias=False)
        self.second = nn.Linear(3, 3)
        self.second.weight = self.first.weight
        self.scale = nn.Parameter(torch.tensor(0.7))
        self.shift = nn.Parameter(torch.randn(2, 3))
        self.offset = nn.Buffer(torch.randn(3))

    def forward(self, x: Tensor) -> Tensor:
        h = self.norm(self.conv(x).transpose(1, 2)) + self.shift
        return torch.tanh(self.second(torch.tanh(self.first(h))) * self.scale + self.offset).sum(dim=1)


def module() -> Case:
    plain = Mixed()
    target = ModuleTarget(plain)

    def naive(dense: Dense, x: Tensor, _: int) -> Tensor:
        conv = functional.conv1d(x[None], dense["conv.weight"].view(3, 2, 2), dense["conv.bias"])
        norm = functional.layer_norm(conv[0].t(), (3,), dense["norm.weight"].flatten(), dense["norm.bias"])
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
    perturbed(hyper, seed)
    rows = torch.tensor(index) % tasks if indexed else torch.arange(len(index))
    descriptors = torch.randn(tasks if indexed else len(index), 2)
    x = torch.randn(len(rows), *case.shape, requires_grad=True)
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
