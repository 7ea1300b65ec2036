"""Networks with fused weights, beside the same networks layer by layer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from hyperrl.nets import MLP, HyperNetwork, Parallel, Rows
from hyperrl.nets.fused import FusedNetworks

STRATEGIES = ("modulation", "low-rank")
SIZES: dict[str, tuple[tuple[int, ...], ...]] = {
    "equal sizes": ((8, 6), (8, 6), (8, 6)),
    "different sizes": ((8, 6), (5,), (8, 6)),
    "no hidden layer": ((), (), ()),
    "wide": ((20, 18), (20, 18), (20, 18)),
}
OUTPUTS = (2, 1, 2)
ROWS = 7
TASKS = {"several tasks": 3, "one each": ROWS, "one task": 1}


@dataclass
class Case:
    """Three networks on the same rows, and what they are made from."""

    hyper: HyperNetwork
    target: Any
    descriptors: Tensor
    x: Tensor
    index: Tensor | None

    @classmethod
    def of(
        cls, strategy: str, sizes: str = "equal sizes", tasks: str = "several tasks", **options: Any
    ) -> "Case":
        """Double precision throughout, so that second derivatives can be compared."""
        torch.manual_seed(0)
        activation = options.pop("activation_fn", nn.Tanh)
        networks = {
            name: MLP(3, outputs, hidden, activation)
            for name, outputs, hidden in zip("abc", OUTPUTS, SIZES[sizes], strict=True)
        }
        target: Any = Parallel(networks)
        hyper = HyperNetwork(2, target, strategy, **options).double()
        with torch.no_grad():
            for parameter in hyper.parameters():
                parameter.add_(0.3 * torch.randn_like(parameter))
        count = TASKS[tasks]
        index = torch.randint(count, (ROWS,)) if tasks == "several tasks" else None
        drawn = [torch.randn(count, 2), torch.randn(ROWS, 3)]
        descriptors, x = (each.double().requires_grad_() for each in drawn)
        return cls(hyper, target, descriptors, x, index)

    @property
    def inputs(self) -> list[Tensor]:
        return [self.x, self.descriptors, *self.hyper.parameters()]

    @property
    def networks(self) -> FusedNetworks:
        weights = self.hyper.fused(self.descriptors)
        assert weights is not None
        return weights.networks

    def layerwise(self, names: Sequence[str] = "abc") -> list[Tensor]:
        weights = self.hyper(self.descriptors, self.index)
        return [net(self.x, weights[name]) for name, net in self.target.named() if name in names]

    def fused(self, names: Sequence[str] = "abc") -> list[Tensor]:
        weights = self.hyper.fused(self.descriptors, Rows.of(self.index, len(self.descriptors)))
        assert weights is not None
        return weights.apply(self.x, *names)


def gradients(outputs: Sequence[Tensor], inputs: Sequence[Tensor], again: bool = False) -> list[Tensor]:
    """Of a sum of squares; zeros where an input has no part in it."""
    loss = torch.stack([output.square().sum() for output in outputs]).sum()
    found = torch.autograd.grad(loss, inputs, create_graph=again, retain_graph=True, allow_unused=True)
    return [torch.zeros_like(x) if g is None else g for x, g in zip(inputs, found, strict=True)]
