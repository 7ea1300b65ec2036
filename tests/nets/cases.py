"""Targets of every kind, each beside what torch itself makes of one row and plain weights."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from hyperrl.nets import CNN, GRU, MLP, HyperNetwork, ModuleTarget, Parallel, VaryingMLP, Weights

Dense = dict[str, Tensor]
Pick = Callable[[int, int], int]
"""Chooses a size from low to high."""

TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-11}
"""Of the largest entry."""

ROWS = 1000
"""Rows for which a target's further arguments are drawn."""


def largest(_: int, high: int) -> int:
    return high


@dataclass
class Case:
    """A target, the shape of a row's input, and what torch makes of one: (dense, x, row) to a vector."""

    target: Any
    shape: tuple[int, ...]
    naive: Callable[[Dense, Tensor, int], Tensor]
    more: tuple[Tensor, ...] = ()

    def apply(self, x: Tensor, weights: Weights) -> Tensor:
        """All that the target returns, a vector a row."""
        y = self.target(x, weights, *self.rest(slice(len(x))))
        parts = y.values() if isinstance(y, dict) else y if isinstance(y, tuple) else [y]
        return torch.cat([part.flatten(1) for part in parts], dim=1)

    def rest(self, rows: slice) -> tuple[Tensor, ...]:
        """The target's further arguments for some rows."""
        return tuple(each[rows] for each in self.more)

    def loop(self, hyper: HyperNetwork, descriptors: Tensor, index: Tensor, x: Tensor) -> Tensor:
        """Each row alone, with plain weights generated for its task alone."""
        rows = []
        for row, task in enumerate(index.tolist()):
            dense = hyper(descriptors[[task]]).dense()
            rows.append(self.naive(of_task(dense, 0), x[row], row))
        return torch.stack(rows)


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


def perturbed(module: nn.Module, seed: int = 1) -> None:
    """Moves every parameter away from its initial value, biases of zero among them."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator))


def all_pairs(*axes: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Rows of one value of each axis, in which every two values of two axes meet at least once."""
    rows = list(product(*(range(len(axis)) for axis in axes)))

    def met(row: tuple[int, ...]) -> set[tuple[int, int, int, int]]:
        return {(i, row[i], j, row[j]) for i, j in combinations(range(len(axes)), 2)}

    unmet = set().union(*map(met, rows))
    chosen = []
    while unmet:
        best = max(rows, key=lambda row: len(met(row) & unmet))
        chosen.append(tuple(axis[number] for axis, number in zip(axes, best, strict=True)))
        unmet -= met(best)
    return chosen


def of_task(dense: Dense, task: int) -> Dense:
    return {name: tensor[task] for name, tensor in dense.items()}


def moved(module: nn.Module, seed: int = 1, scale: float = 0.1) -> None:
    """Every parameter away from its initial value, not so far that tanh saturates: rounding is tested too."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(scale * torch.randn(parameter.shape, generator=generator))


def linear(dense: Dense, name: str, h: Tensor) -> Tensor:
    """A plain layer, or a shared one with a ReLU adapter before it."""
    if f"{name}.weight" in dense:
        return functional.linear(h, dense[f"{name}.weight"], dense[f"{name}.bias"])
    narrow = torch.relu(linear(dense, f"{name}.down", h))
    return linear(dense, f"{name}.shared", h + linear(dense, f"{name}.up", narrow))


def mlp(
    pick: Pick = largest,
    activation: type[nn.Module] = nn.ELU,
    layer_norm: bool = False,
    residual: bool = False,
) -> Case:
    # a norm of few units divides by almost nothing at times
    low, high = (8, 12) if layer_norm else (1, 6)
    width, into, out = pick(low, high), pick(1, 3), pick(1, 3)
    hidden = (width, width, pick(low, high))
    target = MLP(into, out, hidden, activation, layer_norm=layer_norm, residual=residual)

    def naive(dense: Dense, x: Tensor, _: int) -> Tensor:
        h = x
        for number in range(3):
            after = linear(dense, str(number), h)
            if layer_norm:
                change, shift = linear(dense, f"norm.{number}", x.new_ones(1)).chunk(2)
                after = functional.layer_norm(after, after.shape, 1 + change, shift)
            after = activation()(after)
            h = h + after if residual and h.shape == after.shape else after
        return linear(dense, "3", h)

    return Case(target, (into,), naive)


def cnn(pick: Pick = largest) -> Case:
    channels, height, width = pick(1, 2), pick(7, 8), pick(5, 7)
    first, second, hidden, out = pick(1, 4), pick(1, 3), pick(1, 5), pick(1, 3)
    convolutions = ((first, 3, 2), (second, 2, 1))
    target = CNN((channels, height, width), out, convolutions, (hidden,), nn.Tanh, with_latent=True)

    def naive(dense: Dense, x: Tensor, _: int) -> Tensor:
        h = x
        for number, (out, kernel, stride) in enumerate(convolutions):
            name, shape = f"conv.{number}", (out, len(h), kernel, kernel)
            if f"{name}.weight" in dense:
                weight, bias = dense[f"{name}.weight"].reshape(shape), dense[f"{name}.bias"]
                h = torch.tanh(functional.conv2d(h, weight, bias, stride))
            else:
                sides = [(size - kernel) // stride + 1 for size in h.shape[1:]]
                patches = functional.unfold(h[None], kernel, stride=stride)[0].t()
                h = torch.tanh(linear(dense, name, patches)).t().reshape(out, *sides)
        latent = torch.tanh(linear(dense, "head.0", h.flatten()))
        return torch.cat([linear(dense, "head.1", latent), latent])

    return Case(target, (channels, height, width), naive)


def gru(pick: Pick = largest) -> Case:
    into, out, size, steps = pick(1, 3), pick(1, 2), pick(1, 4), pick(1, 5)
    target = GRU(into, out, size)
    states = torch.randn(ROWS, size, generator=torch.Generator().manual_seed(0))

    def naive(dense: Dense, x: Tensor, row: int) -> Tensor:
        h, outputs = states[row].to(x.dtype), []
        for now in x:
            given, own = linear(dense, "input", now).chunk(3), linear(dense, "recurrent", h).chunk(3)
            reset, update = torch.sigmoid(given[0] + own[0]), torch.sigmoid(given[1] + own[1])
            h = (1 - update) * torch.tanh(given[2] + reset * own[2]) + update * h
            outputs.append(linear(dense, "output", h))
        return torch.cat([*outputs, h])

    return Case(target, (steps, into), naive, (states,))


def varying(pick: Pick = largest) -> Case:
    into, out, width = pick(1, 3), pick(1, 2), pick(4, 6)
    target = VaryingMLP(into, out, width, 3)
    networks = [(width,), (2, 4), (1, width, 3), (4, 4), (width, width, width)] * (ROWS // 5)

    def naive(dense: Dense, x: Tensor, row: int) -> Tensor:
        h, before, scale = x, into, 1.0
        for number, size in enumerate(networks[row]):
            weight = dense[f"{number}.weight"][:size, :before] * scale
            h = torch.tanh(functional.linear(h, weight, dense[f"{number}.bias"][:size]))
            before, scale = size, (width / size) ** 0.5
        return functional.linear(h, dense["3.weight"][:, :before] * scale, dense["3.bias"])

    return Case(target, (into,), naive, (target.sizes(networks),))


class Mixed(nn.Module):
    """Parameters of many kinds: of convolutions, of a norm, without a bias, tied, of no layer, a scalar."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(2, size, 2)
        self.norm = nn.LayerNorm(size)
        self.first = nn.Linear(size, size, bias=False)
        self.second = nn.Linear(size, size)
        self.second.weight = self.first.weight
        self.scale = nn.Parameter(torch.tensor(0.7))
        self.shift = nn.Parameter(torch.randn(2, size))
        self.offset = nn.Buffer(torch.randn(size))

    def forward(self, x: Tensor) -> Tensor:
        h = self.norm(self.conv(x).transpose(1, 2)) + self.shift
        return torch.tanh(self.second(torch.tanh(self.first(h))) * self.scale + self.offset).sum(dim=1)


def module(pick: Pick = largest) -> Case:
    size = pick(8, 12)
    plain = Mixed(size)

    def naive(dense: Dense, x: Tensor, _: int) -> Tensor:
        conv = functional.conv1d(x[None], dense["conv.weight"].view(size, 2, 2), dense["conv.bias"])
        norm = functional.layer_norm(conv[0].t(), (size,), dense["norm.weight"].flatten(), dense["norm.bias"])
        h = norm + dense["shift.weight"]
        first, bias = dense["first.weight.weight"], dense["second.bias.weight"][:, 0]
        h = functional.linear(torch.tanh(functional.linear(h, first)), first, bias)
        return torch.tanh(h * dense["scale.weight"].squeeze() + plain.offset).sum(dim=0)

    return Case(ModuleTarget(plain), (2, 3), naive)


def parallel(pick: Pick = largest) -> Case:
    """An actor and a critic of shapes of their own."""
    into, widths = pick(1, 3), [pick(1, 6) for _ in range(3)]
    networks = {"actor": MLP(into, pick(1, 3), widths[:2]), "critic": MLP(into, 1, widths[2:])}

    def naive(dense: Dense, x: Tensor, _: int) -> Tensor:
        outputs = []
        for name, network in networks.items():
            h, depth = x, len(network.hidden)
            for number in range(depth):
                h = torch.tanh(linear(dense, f"{name}.{number}", h))
            outputs.append(linear(dense, f"{name}.{depth}", h))
        return torch.cat(outputs)

    return Case(Parallel(networks), (into,), naive)


CASES: dict[str, Callable[..., Case]] = {
    "mlp": mlp,
    "mlp-relu": lambda pick=largest: mlp(pick, nn.ReLU),
    "mlp-norm": lambda pick=largest: mlp(pick, layer_norm=True),
    "mlp-norm-residual": lambda pick=largest: mlp(pick, nn.SiLU, layer_norm=True, residual=True),
    "cnn": cnn,
    "gru": gru,
    "varying": varying,
    "module": module,
    "actor-critic": parallel,
}
