"""Generators: features of all layers, or of each layer its own."""

from typing import Any

import pytest
import torch

from hyperrl.nets import GENERATORS, MLP, HyperNetwork

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


@pytest.mark.parametrize("architecture", GENERATORS)
def test_features_and_heads_make_the_outputs_of_each_section(architecture: str) -> None:
    hyper = hypernetwork(MLP(4, 2, (8, 8)), "low-rank", architecture)
    outputs = hyper.generator(torch.rand(5, 3))
    layerwise = architecture in ("transformer", "recurrent")
    width = hyper.generator.features_dim
    assert outputs.features.shape == ((5, 3, width) if layerwise else (5, width))
    assert outputs.values().shape == (5, hyper.strategy.outputs)
    assert outputs.features.std(dim=0).mean() > 0.05
    if layerwise:
        assert (outputs.features[:, 0] - outputs.features[:, 1]).abs().max() > 0.1
