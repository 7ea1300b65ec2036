"""The recurrent generator is torch's gated recurrent unit over layers."""

from typing import Any

import torch
from torch import nn

from hyperrl.nets import MLP, HyperNetwork

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


def test_the_recurrence_is_torch_s() -> None:
    torch.manual_seed(0)
    hyper = hypernetwork(MLP(4, 2, (8,)), "low-rank", "recurrent", hidden=(6,))
    assert hyper.generator.layers is not None
    embeddings, weight, bias, into, into_bias, state, state_bias, *_ = hyper.generator.layers()
    descriptors = torch.rand(5, 3)
    first = torch.tanh(descriptors @ weight + bias)
    unit = nn.GRU(6, 6, batch_first=True)
    values = [into.t(), state.t(), into_bias, state_bias]
    with torch.no_grad():
        for parameter, value in zip(unit.parameters(), values, strict=True):
            parameter.copy_(value)
    expected, _ = unit(first.unsqueeze(1) + embeddings, first.unsqueeze(0).contiguous())
    torch.testing.assert_close(hyper.generator(descriptors).features, expected)
