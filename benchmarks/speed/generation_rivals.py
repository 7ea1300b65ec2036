"""What generation is compared with: how papers' code does it, and two published packages, on the same work.

Each makes all weights of an MLP from the descriptor by one hidden layer of tanh units. The packages' networks
take one task's weights at a time: they are applied task by task, to rows sorted for them once a batch.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from hyperrl.nets import group

TRUNK = 64
Sizes = Sequence[int]
"""Of a row, after each layer: inputs, hidden layers, outputs."""

Forward = Callable[[Tensor, Tensor], Tensor]
"""From rows (B, in) and their descriptors (B, D) to (B, out)."""

Maker = Callable[[int, Sizes], tuple[nn.Module, Forward]]
"""From the size of a descriptor and those of the network to what holds the parameters and what applies it."""


def forgetting(module: nn.Module) -> Callable[[], None]:
    """Forgets the gradients of a module, as an optimizer does it: from a list of its parameters."""
    parameters = list(module.parameters())

    def forget() -> None:
        for parameter in parameters:
            parameter.grad = None

    return forget


class PerSampleProducts(nn.Module):
    """A head for each layer, a matrix for each row, and one small product a row.

    Args:
        descriptor: Size of a descriptor.
        sizes: Of the generated network.
    """

    def __init__(self, descriptor: int, sizes: Sizes) -> None:
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(descriptor, TRUNK), nn.Tanh())
        self.shapes = [(following, size) for size, following in pairwise(sizes)]
        self.matrices = nn.ModuleList(nn.Linear(TRUNK, out * into) for out, into in self.shapes)
        self.biases = nn.ModuleList(nn.Linear(TRUNK, out) for out, _ in self.shapes)

    def forward(self, x: Tensor, descriptors: Tensor) -> Tensor:
        """(B, in) and (B, D) to (B, out)."""
        features = self.trunk(descriptors)
        h = x.unsqueeze(2)
        for number, shape in enumerate(self.shapes):
            if number > 0:
                h = torch.tanh(h)
            matrix = self.matrices[number](features).view(-1, *shape)
            h = torch.bmm(matrix, h) + self.biases[number](features).unsqueeze(2)
        return h.squeeze(2)


def per_sample_products(descriptor: int, sizes: Sizes) -> tuple[nn.Module, Forward]:
    """As papers' code does it."""
    module = PerSampleProducts(descriptor, sizes)
    return module, module


def hypnettorch(descriptor: int, sizes: Sizes, batched: bool = True) -> tuple[nn.Module, Forward]:
    """The package hypnettorch, its network applied to one task after another.

    Args:
        descriptor: Size of a descriptor.
        sizes: Of the generated network.
        batched: Weights of all tasks are made at once; else task by task, as its own examples do.
    """
    networks = importlib.import_module("hypnettorch.mnets")
    generators = importlib.import_module("hypnettorch.hnets")
    target = networks.MLP(
        n_in=sizes[0], n_out=sizes[-1], hidden_layers=tuple(sizes[1:-1]), activation_fn=nn.Tanh(),
        no_weights=True, verbose=False,
    )  # fmt: skip
    hyper = generators.HMLP(
        target.param_shapes, uncond_in_size=descriptor, cond_in_size=0, layers=(TRUNK,),
        activation_fn=nn.Tanh(), num_cond_embs=0, verbose=False,
    )  # fmt: skip

    def forward(x: Tensor, descriptors: Tensor) -> Tensor:
        distinct, index = group(descriptors)
        weights = hyper(uncond_input=distinct) if batched and len(distinct) > 1 else None

        def apply(task: int, rows: Tensor) -> Tensor:
            own = hyper(uncond_input=distinct[task : task + 1]) if weights is None else weights[task]
            y: Tensor = target(rows, weights=own)
            return y

        return _task_by_task(x, index, apply, len(distinct))

    return hyper, forward


def hyperlight(descriptor: int, sizes: Sizes) -> tuple[nn.Module, Forward]:
    """The package hyperlight: likewise."""
    package: Any = importlib.import_module("hyperlight")
    layers: list[nn.Module] = []
    for size, following in pairwise(sizes):
        layers += [nn.Linear(size, following), nn.Tanh()]
    plain = nn.Sequential(*layers[:-1])
    target = package.hypernetize(plain, modules=package.find_modules_of_type(plain, [nn.Linear]))
    hyper = package.HyperNet(
        {"descriptor": (descriptor,)}, target.external_shapes(), [TRUNK], encoding=None,
        fc_kws={"nonlinearity": "Tanh"},
    )  # fmt: skip

    def forward(x: Tensor, descriptors: Tensor) -> Tensor:
        distinct, index = group(descriptors)
        weights: dict[str, Tensor] = hyper(descriptor=distinct)
        single = len(distinct) == 1

        def apply(task: int, rows: Tensor) -> Tensor:
            own = weights if single else {name: tensor[task] for name, tensor in weights.items()}
            with target.using_externals(own):
                y: Tensor = target(rows)
            return y

        return _task_by_task(x, index, apply, len(distinct))

    return hyper, forward


def _task_by_task(x: Tensor, index: Tensor, apply: Callable[[int, Tensor], Tensor], tasks: int) -> Tensor:
    """Rows sorted by task, each task's network applied to its own, and the rows put back."""
    if tasks == 1:
        return apply(0, x)
    order = torch.argsort(index)
    parts = torch.split(x.index_select(0, order), torch.bincount(index, minlength=tasks).tolist())
    y = torch.cat([apply(task, rows) for task, rows in enumerate(parts)])
    return y.index_select(0, torch.argsort(order))


PACKAGES: dict[str, Maker] = {
    "hypnettorch": hypnettorch,
    "hypnettorch, a call a task": partial(hypnettorch, batched=False),
    "hyperlight": hyperlight,
}
"""Published packages and how they are used; the name up to a comma is that of the package to install."""


def missing() -> list[str]:
    """Those of the packages that this environment does not have."""
    names = dict.fromkeys(name.split(",")[0] for name in PACKAGES)
    return [name for name in names if importlib.util.find_spec(name) is None]


def installed() -> list[str]:
    """The names in `PACKAGES` that can run in this environment."""
    left_out = missing()
    return [name for name in PACKAGES if name.split(",")[0] not in left_out]
